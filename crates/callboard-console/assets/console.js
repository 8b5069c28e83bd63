"use strict";
const stream = new EventSource("/live");
stream.addEventListener("state", (event) => {
  document.getElementById("state").textContent = JSON.stringify(JSON.parse(event.data), null, 2);
});
