// Ends with 0 while the server in this container takes requests.
try {
  const port = process.env["MILLRACE_PORT"] ?? "3000";
  const answer = await fetch(`http://127.0.0.1:${port}/health/ready`);
  process.exitCode = answer.ok ? 0 : 1;
} catch {
  // Nobody listens.
  process.exitCode = 1;
}
