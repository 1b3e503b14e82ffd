// Buttons of checks, feedback and examples → events of the page; the keyboard's place is kept when they are redrawn.
let refocus = false;
element.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  const { example, value, outcome } = button.dataset;
  if (!example && !value && !outcome) return;
  refocus = true;
  element.querySelectorAll("button").forEach((other) => { other.disabled = true; });
  if (example) trigger("click", { text: example });
  else if (value) trigger("select", { check: button.closest("[data-check]").dataset.check, value });
  else {
    const feedback = button.closest(".cb-feedback");
    const field = (name) => feedback.querySelector(`[name="${name}"]`)?.value || null;
    trigger("submit", { outcome, note: field("note"), incident: field("incident") });
  }
});
watch("value", () => {
  if (!refocus || !element.querySelector(".cb-follow")) return;
  refocus = false;
  const next = element.querySelector(".cb-check button, .cb-feedback button, [role=status]");
  if (next) { if (!next.matches("button")) next.tabIndex = -1; next.focus({ preventScroll: true }); }
});
