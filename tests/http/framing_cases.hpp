// What each malformed or unusual request gets: the rows of the door, once, for the parser alone and
// for the server over a socket.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace cleave::test {

struct FramingCase {
  const char* what;
  std::string bytes;
  int status;  // of the refusal; 0: it is a good request
};

inline std::string get(std::string_view fields) {
  return "GET / HTTP/1.1\r\nHost: x\r\n" + std::string(fields) + "\r\n";
}
inline std::string post(std::string_view fields, std::string_view body = "") {
  return "POST / HTTP/1.1\r\nHost: x\r\n" + std::string(fields) + "\r\n" + std::string(body);
}
inline std::string line(std::string_view request_line) {
  return std::string(request_line) + "\r\nHost: x\r\n\r\n";
}

inline std::vector<FramingCase> line_cases() {
  using namespace std::string_literals;
  const std::string long_path(8200, 'a');
  return {
      {"the plainest request", line("GET / HTTP/1.1"), 0},
      {"an empty line before it", "\r\n" + line("GET / HTTP/1.1"), 0},
      {"a query with a second question mark", line("GET /a?b=c?d HTTP/1.1"), 0},
      {"every pchar", line("GET /-._~!$&'()*+,;=:@%41/?/ HTTP/1.1"), 0},
      {"HTTP/1.0 without Host", "GET / HTTP/1.0\r\n\r\n", 0},
      {"OPTIONS *", line("OPTIONS * HTTP/1.1"), 0},
      {"the absolute form of this host", line("GET http://x/a HTTP/1.1"), 0},
      {"HTTP/0.9", "GET /\r\n\r\n", 400},
      {"HTTP/1.2", line("GET / HTTP/1.2"), 505},
      {"HTTP/2.0", line("GET / HTTP/2.0"), 505},
      {"a version in lower case", line("GET / http/1.1"), 400},
      {"a version with more digits", line("GET / HTTP/1.10"), 400},
      {"the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400},
      {"a TLS handshake", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"s, 400},
      {"a leading space", " " + line("GET / HTTP/1.1"), 400},
      {"two empty lines before it", "\r\n\r\n" + line("GET / HTTP/1.1"), 400},
      {"a bare LF before it", "\n" + line("GET / HTTP/1.1"), 400},
      {"two spaces", line("GET  / HTTP/1.1"), 400},
      {"a tab for a space", line("GET\t/ HTTP/1.1"), 400},
      {"a space at the end", line("GET / HTTP/1.1 "), 400},
      {"a bare LF after the request line", "GET / HTTP/1.1\nHost: x\r\n\r\n", 400},
      {"a bare CR in the target", line("GET /\r HTTP/1.1"), 400},
      {"NUL in the target", "GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n"s, 400},
      {"%00", line("GET /%00 HTTP/1.1"), 400},
      {"a broken escape", line("GET /%zz HTTP/1.1"), 400},
      {"half an escape", line("GET /%4 HTTP/1.1"), 400},
      {"a backslash", line("GET /a\\b HTTP/1.1"), 400},
      {"a fragment", line("GET /a#b HTTP/1.1"), 400},
      {"a raw byte above 127", line("GET /\xff HTTP/1.1"), 400},
      {"a target without a slash", line("GET a HTTP/1.1"), 400},
      {"* for GET", line("GET * HTTP/1.1"), 400},
      {"the absolute form of another host", line("GET http://y/ HTTP/1.1"), 400},
      {"the absolute form of another scheme", line("GET ftp://x/ HTTP/1.1"), 400},
      {"a method nobody knows", line("BREW / HTTP/1.1"), 501},
      {"a method in lower case", line("get / HTTP/1.1"), 501},
      {"TRACE *", line("TRACE * HTTP/1.1"), 400},
      {"CONNECT", line("CONNECT x:80 HTTP/1.1"), 405},
      {"a request line over the limit", line("GET /" + long_path + " HTTP/1.1"), 414},
      {"a request line over the limit that never ends", "GET /" + long_path, 414},
  };
}

inline std::vector<FramingCase> field_cases() {
  using namespace std::string_literals;
  std::string hundred_and_one, hundred;
  for (int i = 0; i < 100; ++i) hundred_and_one += "X-A: 1\r\n";
  for (int i = 0; i < 99; ++i) hundred += "X-A: 1\r\n";
  std::string four_long;
  for (int i = 0; i < 4; ++i) four_long += "X-A: " + std::string(8185, 'a') + "\r\n";
  return {
      {"a hundred headers", get(hundred), 0},
      {"a hundred and one headers", get(hundred_and_one), 431},
      // With "X-A: " and CR LF the first line has 8 KiB.
      {"a header line of the limit", get("X-A: " + std::string(8185, 'a') + "\r\n"), 0},
      {"a header line over the limit", get("X-A: " + std::string(8186, 'a') + "\r\n"), 431},
      {"one that never ends", "GET / HTTP/1.1\r\nX-A: " + std::string(8188, 'a'), 431},
      {"headers over their limit, each line within its own", get(four_long), 431},
      {"a value with bytes above 127", get("X-A: \xc3\xa9\r\n"), 0},
      {"an empty value", get("X-A:\r\n"), 0},
      {"a folded header", get("X-A: 1\r\n 2\r\n"), 400},
      {"a space before the colon", get("X-A : 1\r\n"), 400},
      {"no colon", get("X-A\r\n"), 400},
      {"an empty name", get(": 1\r\n"), 400},
      {"NUL in a value", get("X-A: \0\r\n"s), 400},
      {"a bare CR in a value", get("X-A: a\rb\r\n"), 400},
      {"a bare LF after a header", get("X-A: 1\nX-B: 2\r\n"), 400},
      {"DEL in a value", get("X-A: \x7f\r\n"), 400},
      {"a leading space on the first header", "GET / HTTP/1.1\r\n Host: x\r\n\r\n", 400},
      {"no Host", "GET / HTTP/1.1\r\n\r\n", 400},
      {"two Hosts", get("Host: x\r\n"), 400},
      {"Host with a user", "GET / HTTP/1.1\r\nHost: u@x\r\n\r\n", 400},
      {"Host with a path", "GET / HTTP/1.1\r\nHost: x/y\r\n\r\n", 400},
      {"Host with a bad port", "GET / HTTP/1.1\r\nHost: x:70000\r\n\r\n", 400},
      {"an empty Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", 400},
      {"Host as an IPv6 address", "GET / HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n", 0},
      {"Expect of something else", get("Expect: tea\r\n"), 417},
      {"Content-Encoding", post("Content-Length: 1\r\nContent-Encoding: gzip\r\n", "x"), 415},
      {"Upgrade", get("Connection: Upgrade\r\nUpgrade: h2c\r\n"), 0},
      {"Range", get("Range: bytes=0-0\r\n"), 0},
  };
}

inline std::vector<FramingCase> body_cases() {
  const std::string hidden = "GET /hidden HTTP/1.1\r\nHost: x\r\n\r\n";
  const std::string chunks = "0\r\n\r\n" + hidden;
  return {
      {"a body", post("Content-Length: 3\r\n", "abc"), 0},
      {"no body, said so", post("Content-Length: 0\r\n"), 0},
      {"a chunked body", post("Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n0\r\n\r\n"), 0},
      {"Chunked in another case", post("Transfer-Encoding: Chunked\r\n", "0\r\n\r\n"), 0},
      {"GET that says it has no body", get("Content-Length: 0\r\n"), 0},
      {"both lengths", post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", chunks), 400},
      {"both, the other way", post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", chunks),
       400},
      {"two lengths", post("Content-Length: 0\r\nContent-Length: 34\r\n", hidden), 400},
      {"two equal lengths", post("Content-Length: 0\r\nContent-Length: 0\r\n", hidden), 400},
      {"a list of lengths", post("Content-Length: 0, 0\r\n", hidden), 400},
      {"+5", post("Content-Length: +5\r\n", hidden), 400},
      {"-1", post("Content-Length: -1\r\n", hidden), 400},
      {"0x5", post("Content-Length: 0x5\r\n", hidden), 400},
      {"5 5", post("Content-Length: 5 5\r\n", hidden), 400},
      {"an empty length", post("Content-Length:\r\n", hidden), 400},
      {"2^64", post("Content-Length: 18446744073709551616\r\n", hidden), 400},
      {"2^64 - 1", post("Content-Length: 18446744073709551615\r\n", hidden), 413},
      {"a coding that looks like chunked", post("Transfer-Encoding: xchunked\r\n", chunks), 501},
      {"chunked, gzip", post("Transfer-Encoding: chunked, gzip\r\n", chunks), 501},
      {"gzip, chunked", post("Transfer-Encoding: gzip, chunked\r\n", chunks), 501},
      {"VT before chunked", post("Transfer-Encoding: \vchunked\r\n", chunks), 400},
      {"chunked twice",
       post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", chunks), 400},
      {"chunked on HTTP/1.0",
       "POST / HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks, 400},
      {"TRACE with a body", "TRACE / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx", 400},
      {"GET with a body", get("Content-Length: 34\r\n") + hidden, 400},
      {"GET with a chunked body", get("Transfer-Encoding: chunked\r\n") + chunks, 400},
      {"DELETE with a body", "DELETE / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx", 400},
      {"POST without a length", post("") + hidden, 411},
      {"PUT without a length", line("PUT / HTTP/1.1"), 411},
      {"a body over the limit", post("Content-Length: 1048577\r\n"), 413},
  };
}

/// Bodies that the chunked decoder refuses.
inline std::vector<FramingCase> chunk_cases() {
  using namespace std::string_literals;
  const std::string ok = "1\r\nx\r\n0\r\n\r\n";
  const std::string long_extension = "1;" + std::string(1100, 'a') + "\r\nx\r\n0\r\n\r\n";
  return {
      {"a chunk", ok, 0},
      {"an extension", "1;a=b\r\nx\r\n0\r\n\r\n", 0},
      {"leading zeros", "0001\r\nx\r\n0\r\n\r\n", 0},
      {"trailers", "0\r\nHost: evil\r\nContent-Length: 9\r\n\r\n", 0},
      {"a negative size", "-2\r\nx\r\n0\r\n\r\n", 400},
      {"0x1", "0x1\r\nx\r\n0\r\n\r\n", 400},
      {"an empty size", "\r\nx\r\n0\r\n\r\n", 400},
      {"a size of 2^64 and more", "10000000000000001\r\nx\r\n0\r\n\r\n", 400},
      {"a size just below 2^64", "ffffffffffffffff\r\nx\r\n", 413},
      {"a space before the size", " 1\r\nx\r\n0\r\n\r\n", 400},
      {"a space after the size", "1 \r\nx\r\n0\r\n\r\n", 400},
      {"a bare LF after the size", "1\nx\r\n0\r\n\r\n", 400},
      {"a bare LF in an extension", "1;a\nx\r\n0\r\n\r\n", 400},
      {"a chunk that is longer than it says", "1\r\nxy\r\n0\r\n\r\n", 400},
      {"a bare LF after the data", "1\r\nx\n0\r\n\r\n", 400},
      {"an extension over the limit", long_extension, 400},
      {"a trailer without a colon", "0\r\nX\r\n\r\n", 400},
      {"a bare LF after a trailer", "0\r\nX: 1\n\r\n", 400},
      {"trailers over the limit", "0\r\nX: " + std::string(1100, 'a') + "\r\n\r\n", 400},
  };
}

}  // namespace cleave::test
