import { type Command, InvalidArgumentError } from "commander";
import { expectedTrace, goldenNames, traceOf, writeTrace } from "./index.js";

/** `sim golden [NAME]`: exits with 1 when a trace differs from the one that is kept. */
export function addGoldenCommand(
  program: Command,
  print: (line: string) => void,
  exit: (code: number) => void,
): void {
  program
    .command("golden")
    .description("run golden scenarios and compare what happens with the traces kept beside the scripts")
    .argument("[name]", "one scenario, whose trace is printed; all are compared without", parseName)
    .option("--update", "keep what happens now as the trace, for review as a diff")
    .addHelpText("after", `\nScenarios: ${goldenNames().join(", ")}`)
    .action(async (name: string | undefined, { update }: { readonly update?: boolean }) => {
      let differ = 0;
      for (const each of name === undefined ? goldenNames() : [name]) {
        const trace = await traceOf(each);
        const same = trace === expectedTrace(each);
        if (name !== undefined) print(trace.trimEnd());
        if (!same && update) writeTrace(each, trace);
        if (!same && !update) differ += 1;
        print(`${each}: ${same ? "as kept" : update ? "updated" : "DIFFERS from the trace that is kept"}`);
      }
      exit(differ === 0 ? 0 : 1);
    });
}

function parseName(name: string): string {
  if (goldenNames().includes(name)) return name;
  throw new InvalidArgumentError(`There is no scenario ${name}; --help lists them.`);
}
