import { installNativeCrypto } from "../keys/index.js";
import { runCommand } from "./program.js";

installNativeCrypto();
process.exitCode = await runCommand(process.argv.slice(2));
