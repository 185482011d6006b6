/** Version of this software, as `GET /v1/status` and the log state it. */
export const version = "0.1.0";
