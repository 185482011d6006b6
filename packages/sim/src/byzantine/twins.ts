import type { Actor } from "../world/node.js";

/** One of two honest copies of a node that run with one key and know nothing of each other (Bano et al. 2022). */
export const twin: Actor = { name: "twin" };
