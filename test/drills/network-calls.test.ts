import assert from 'node:assert/strict';
import { foreignAddresses } from './network-calls.ts';

describe('recorded network calls', () => {
  const local = [
    '12 connect(5, {sa_family=AF_INET, sin_port=htons(4567), sin_addr=inet_addr("127.0.0.1")}, 16) = -1 EINPROGRESS (Operation now in progress)',
    '12 bind(20, {sa_family=AF_INET6, sin6_port=htons(0), sin6_flowinfo=htonl(0), inet_pton(AF_INET6, "::ffff:127.0.0.1", &sin6_addr), sin6_scope_id=0}, 28) = 0',
    '12 connect(5, {sa_family=AF_UNIX, sun_path="/tmp/kcl/link"}, 110) = 0',
    '12 bind(3, {sa_family=AF_NETLINK, nl_pid=0, nl_groups=00000000}, 12) = 0',
    '12 +++ exited with 0 +++',
  ];

  it('pass when all are loopback', () => {
    assert.deepEqual(foreignAddresses(local.join('\n')), []);
  });

  it('are found when one is not', () => {
    const foreign = [
      '7 connect(5, {sa_family=AF_INET, sin_port=htons(53), sin_addr=inet_addr("10.0.0.2")}, 16) = 0',
      '7 bind(4, {sa_family=AF_INET, sin_port=htons(0), sin_addr=inet_addr("0.0.0.0")}, 16) = 0',
      '7 bind(4, {sa_family=AF_INET6, sin6_port=htons(8000), sin6_flowinfo=htonl(0), inet_pton(AF_INET6, "::", &sin6_addr), sin6_scope_id=0}, 28) = 0',
      '7 connect(4, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr("169.254.169.254")} <unfinished ...>',
    ];
    assert.deepEqual(foreignAddresses([...local, ...foreign].join('\n')), foreign);
  });

  it('must have been recorded at all', () => {
    assert.throws(() => foreignAddresses(''), /not recorded/);
  });
});
