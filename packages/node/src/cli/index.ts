export { buildProgram, runCommand } from "./program.js";
