"""The Slack bot: one more channel to a Casebook. Listening, a durable queue, answering, buttons."""
