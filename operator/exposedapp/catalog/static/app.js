// The page of one app: its body is replaced whenever the app changes.
import { follow, keepingFocus, showAges } from "./live.js";

const main = document.getElementById("main");

follow({
  app: ({ html }) => keepingFocus(main, () => {
    main.innerHTML = html; // rendered and escaped by the server
    showAges(main);
    return main;
  }),
});
