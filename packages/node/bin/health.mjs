// Health check of a container: node health.mjs API_URL. Exits with 0 when the node answers, cheaply: no SDK is loaded.
const [url] = process.argv.slice(2);
try {
  const response = await fetch(`${url}/v1/status`, { signal: AbortSignal.timeout(3_000) });
  process.exit(response.ok ? 0 : 1);
} catch {
  process.exit(1);
}
