// Shows what changed without being asked: a control that is moved sends the form, a file that is saved loads the pages anew.
const form = document.getElementById("controls");
document.addEventListener("change", ({ target }) => target.form === form && form.requestSubmit());
form.querySelector("button").hidden = true;

new EventSource("changes").addEventListener("message", () => {
  if (document.querySelector(".problem")) return location.reload();
  for (const frame of document.querySelectorAll("iframe")) frame.contentWindow.location.reload();
});
