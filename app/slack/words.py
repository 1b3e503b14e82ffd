"""Every sentence the Slack bot itself says, in both languages."""

from functools import partial

from app.wording import Table, worded

WORDS: Table = {
    "working": {"en": "Looking into it …", "zh": "正在分析……"},
    "help": {
        "en": "Describe the failure, paste its log as a code block, or attach the log file. I answer in the thread; "
        "write there to add what you find out. In a long thread, mention me to have all of it read.",
        "zh": "请描述故障，把日志贴成代码块，或附上日志文件。我会在消息列中回答；有新的发现也写在那里。"
        "消息列很长时，提及我即可通读全部内容。",
    },
    "check_ask": {"en": "Check", "zh": "检查"},
    "yes": {"en": "Yes", "zh": "是"},
    "no": {"en": "No", "zh": "否"},
    "unknown": {"en": "Can't tell", "zh": "无法判断"},
    "answered": {"en": "{who} answered {value}", "zh": "{who} 的回答：{value}"},
    "fixed": {"en": "This fixed it", "zh": "问题已解决"},
    "not_mine": {"en": "Not my problem", "zh": "不是我的问题"},
    "person": {"en": "I need a person", "zh": "需要人工协助"},
    "share": {"en": "Share in channel", "zh": "分享到频道"},
    "shared": {"en": "{who} shared this answer.", "zh": "{who} 分享了这个回答。"},
    "was_shared": {"en": "Shared in the channel.", "zh": "已分享到频道。"},
    "base": {"en": "Casebook {version} · check before you fix", "zh": "Casebook {version} · 先检查，再修复"},
    "composed": {"en": "worded without the model: {why}", "zh": "未使用模型撰写：{why}"},
    "more": {
        "en": "Cut short. The whole incident: `casebook show {incident}`",
        "zh": "已截短。完整案例：`casebook show {incident}`",
    },
    "why_title": {"en": "Not my problem", "zh": "不是我的问题"},
    "why_ask": {"en": "Why?", "zh": "原因是？"},
    "why_other_cause": {"en": "The cause was another one", "zh": "原因另有其他"},
    "why_no_help": {"en": "The fix did not help", "zh": "修复没有效果"},
    "why_unclear": {"en": "I don't understand the answer", "zh": "看不懂回答"},
    "why_note": {"en": "What was it instead? (helps the next one)", "zh": "真正的原因是什么？（对后来者有帮助）"},
    "which_title": {"en": "This fixed it", "zh": "问题已解决"},
    "which_ask": {"en": "Which cause was it?", "zh": "是哪个原因？"},
    "which_none": {"en": "None of these", "zh": "都不是"},
    "send": {"en": "Send", "zh": "发送"},
    "cancel": {"en": "Cancel", "zh": "取消"},
    "thanks": {"en": "Thank you, noted.", "zh": "谢谢，已记录。"},
    "pinged": {"en": "{people}: {who} asks for help.", "zh": "{people}：{who} 需要协助。"},
    "pinged_question": {"en": "*Asked:* {question}", "zh": "*问题：* {question}"},
    "pinged_so_far": {"en": "*So far:* {headline}", "zh": "*目前判断：* {headline}"},
    "pinged_checks": {"en": "*Checks answered:* {checks}", "zh": "*已回答的检查：* {checks}"},
    "pinged_done": {"en": "I have told {people}.", "zh": "已通知 {people}。"},
    "nobody": {
        "en": "Nobody is named to be called (CASEBOOK_SLACK_PEOPLE).",
        "zh": "没有设置可以通知的人（CASEBOOK_SLACK_PEOPLE）。",
    },
    "rotate": {
        "en": "Your message shows what looks like {count} secret(s): keys, tokens or passwords. I did not read or keep "
        "them, but everybody in this conversation can: delete the message and change the secrets.",
        "zh": "你的消息中疑似包含 {count} 个密钥、令牌或密码。我没有读取或保存它们，但会话中的人都能看到："
        "请删除该消息并更换这些密钥。",
    },
    "full": {
        "en": "I have too much to do just now. Please ask again in a few minutes.",
        "zh": "当前请求过多，请几分钟后再试。",
    },
    "user_limit": {
        "en": "You have asked {limit} questions within an hour; please wait a while.",
        "zh": "你一小时内已提问 {limit} 次，请稍后再试。",
    },
    "channel_limit": {
        "en": "This channel has asked {limit} questions within an hour; please wait a while.",
        "zh": "本频道一小时内已提问 {limit} 次，请稍后再试。",
    },
    "known": {"en": "I have answered this message already, in its thread.", "zh": "这条消息已经在消息列中回答过了。"},
    "not_here": {"en": "I am not switched on in this channel.", "zh": "本频道未启用。"},
    "not_in_channel": {
        "en": "I am not in this channel, so only you see this. Invite me with /invite @{name} to talk in the thread.",
        "zh": "我不在这个频道中，所以只有你能看到。用 /invite @{name} 邀请我，即可在消息列中对话。",
    },
    "gone": {
        "en": "I no longer have this case. Please ask again.",
        "zh": "这个案例已经不再保存，请重新提问。",
    },
    "bug": {
        "en": "Something went wrong on my side, so this got no answer. The log of the bot says what.",
        "zh": "我这边出错了，未能给出回答，详情见机器人的日志。",
    },
    "refused": {"en": "I could not use this: {reason}", "zh": "无法处理：{reason}"},
    "file_large": {"en": "{name}: larger than {limit} MB, not read", "zh": "{name}：超过 {limit} MB，未读取"},
    "file_host": {"en": "{name}: not stored at Slack, not read", "zh": "{name}：不在 Slack 上，未读取"},
    "file_binary": {"en": "{name}: not a text file, not read", "zh": "{name}：不是文本文件，未读取"},
    "file_denied": {
        "en": "{name}: Slack does not let me read it (scope files:read)",
        "zh": "{name}：Slack 不允许读取（缺少 files:read 权限）",
    },
    "file_failed": {"en": "{name}: could not be fetched", "zh": "{name}：下载失败"},
    "not_read": {"en": "Not read", "zh": "未读取"},
    "metrics": {"en": "Metrics of the log", "zh": "日志中的指标"},
}

word = partial(worded, WORDS)
