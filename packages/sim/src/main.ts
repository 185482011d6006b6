import { runSimulator } from "./cli/index.js";
import { serveAsWorker, WORKER_ARGUMENT } from "./cli/workers.js";

const args = process.argv.slice(2);
if (args[0] === WORKER_ARGUMENT && process.send !== undefined) serveAsWorker();
else process.exitCode = await runSimulator(args, (line) => console.log(line));
