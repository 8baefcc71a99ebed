/** Sockets that stay on the machine by their family: strace writes these for named sockets and for questions to the kernel. */
const localFamilies = /sa_family=(AF_UNIX|AF_LOCAL|AF_NETLINK|AF_UNSPEC)\b/;
const loopback = /inet_addr\("127\.\d+\.\d+\.\d+"\)|inet_pton\(AF_INET6, "(::1|::ffff:127\.\d+\.\d+\.\d+)"/;
const call = /\b(connect|bind)\(/;

/** The calls of an strace (`-f -e trace=connect,bind`) that named an address which is not loopback. */
export function foreignAddresses(trace: string): string[] {
  const calls = trace.split('\n').filter((line) => call.test(line) && line.includes('sa_family='));
  if (calls.length === 0) throw new Error('the trace holds no call: it was not recorded');
  return calls.filter((line) => !localFamilies.test(line) && !loopback.test(line));
}
