// For a process of its own: node --import ./test/support/two-addresses.mjs some.js
// `localhost` has an IPv6 and an IPv4 address there, as it has on most machines but not on all.
import dns from 'node:dns';

const { lookup } = dns;
const addresses = [
  { address: '::1', family: 6 },
  { address: '127.0.0.1', family: 4 },
];
dns.lookup = (name, ...rest) => {
  const [options, done] = rest;
  if (name === 'localhost' && options.all) process.nextTick(done, null, addresses);
  else lookup(name, ...rest);
};
