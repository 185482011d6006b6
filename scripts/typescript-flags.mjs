// Node flags that run the workspace's TypeScript sources directly: the `development` export condition, tsx, polyfills.
export const typescriptFlags = [
  "--conditions=development",
  "--import",
  new URL("./polyfill.mjs", import.meta.url).href,
  "--import",
  import.meta.resolve("tsx"),
];
