// A thread of a process with users' code: ends the process when its server is gone. The main thread notices that
// itself, unless it never comes back to its event loop.

const LOOK_EVERY_MS = 1_000;
const server = process.ppid;

setInterval(() => {
  if (process.ppid !== server) process.kill(process.pid, "SIGKILL");
}, LOOK_EVERY_MS);
