// What the build makes of an element: a call of preact's own function. That of its automatic runtime does the same and comes on top.

export { Fragment, h } from "preact";
