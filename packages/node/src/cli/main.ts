import { installNativeCrypto } from "../keys/index.js";
import { runCommand } from "./program.js";

// Whoever reads the output may go away (a closed pipe): what runs is finished or stopped in order all the same.
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
await installNativeCrypto();
process.exitCode = await runCommand(process.argv.slice(2));
