// A link to a section leads to it, though charts on the way are drawn, and grow, only when they come into view.

const SETTLING = 2000; // milliseconds in which the section is held in its place

function holdTarget() {
  const target = document.querySelector(":target");
  if (!target) return;
  const align = () => target.scrollIntoView({ block: "start", behavior: "instant" });
  const observer = new ResizeObserver(align);
  const inputs = ["wheel", "touchmove", "pointerdown", "keydown"];
  const release = () => {
    observer.disconnect();
    for (const input of inputs) removeEventListener(input, release);
  };
  for (const input of inputs) addEventListener(input, release, { passive: true }); // the reader goes elsewhere
  setTimeout(release, SETTLING);
  observer.observe(at("main"));
}

addEventListener("hashchange", holdTarget);
addEventListener("load", holdTarget);
document.querySelector("nav").addEventListener("click", (event) => {
  // The section that the address names already: nothing tells that it is asked for again.
  if (event.target.hash && event.target.hash === location.hash) holdTarget();
});
