// The panel's one event: the case is to be deleted.
element.addEventListener("click", (event) => {
  const button = event.target.closest("[data-delete]");
  if (button) { button.disabled = true; trigger("delete", { case: button.dataset.delete }); }
});
