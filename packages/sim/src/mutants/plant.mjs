// Loaded with --import before tsx: plants the edits that CONSILIUM_SIM_MUTANT names (JSON: [{ url, find, replace }]) into
// sources as they are loaded. The files on disk stay as they are, and production code has no door for any of this.
import { register } from "node:module";

register("./plant-hooks.mjs", import.meta.url, {
  data: JSON.parse(process.env.CONSILIUM_SIM_MUTANT ?? "[]"),
});
