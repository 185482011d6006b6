// libp2p 3 calls Promise.withResolvers (ES2024), which Node 20 does not have; Node 22 and later do.
Promise.withResolvers ??= function withResolvers() {
  let resolve;
  let reject;
  const promise = new this((onFulfilled, onRejected) => {
    resolve = onFulfilled;
    reject = onRejected;
  });
  return { promise, resolve, reject };
};
