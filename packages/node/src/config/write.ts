import { Document, isMap, isScalar, type YAMLMap } from "yaml";
import { z } from "zod";
import { writeDurably } from "../keys/index.js";
import { type NodeConfigFile, NodeConfigSchema } from "./schema.js";

/** Writes a config with each key's meaning above it. */
export function writeConfig(file: string, config: z.input<typeof NodeConfigSchema>): void {
  const checked: NodeConfigFile = NodeConfigSchema.parse(config);
  const document = new Document(checked);
  document.commentBefore =
    " Configuration of one Consilium node. Relative paths start at this file's folder.";
  if (isMap(document.contents)) addComments(document.contents, NodeConfigSchema);
  writeDurably(file, document.toString({ lineWidth: 110 }));
}

function addComments(map: YAMLMap, schema: z.ZodObject): void {
  for (const pair of map.items) {
    if (!isScalar(pair.key)) continue;
    const child = schema.shape[String(pair.key.value)] as z.ZodType | undefined;
    if (child?.description !== undefined) pair.key.commentBefore = ` ${child.description}`;
    const inner = child instanceof z.ZodDefault ? child.unwrap() : child;
    if (isMap(pair.value) && inner instanceof z.ZodObject) addComments(pair.value, inner);
  }
}
