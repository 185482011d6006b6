import type { Behaviour } from "../node-parts.js";

/** Never proposes, but votes: its views end by nullification. */
export const silentProposer: Behaviour = {
  name: "silent-proposer",
  outgoing: (message) => (message.kind === "proposal" ? [] : [{ kind: "engine", message }]),
};
