// Before anything is drawn: the colours that were chosen here, else the system's.
{
  let chosen = null;
  try {
    chosen = localStorage.getItem("theme");
  } catch {} // Storage may be forbidden: then the system decides.
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
}
