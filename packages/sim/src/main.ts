import { runSimulator } from "./cli.js";

process.exitCode = await runSimulator(process.argv.slice(2), (line) => console.log(line));
