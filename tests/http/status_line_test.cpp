// The first line of every status, as httplib writes it and as it is kept.
#include "http/status_line.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <thread>
#include <vector>

using cleave::http::status_line;

namespace {

std::vector<std::string> all_lines() {
  std::vector<std::string> lines;
  for (int status = 200; status < 600; ++status) lines.emplace_back(status_line(status));
  return lines;
}

}  // namespace

// A status that httplib has no words for must be answered as itself and not as 500, whatever its
// reason phrase says: clients read the number (RFC 9112, 4).
TEST_CASE("each status from 200 to 599 has one line, with its number and no control character") {
  const std::vector<std::string> lines = all_lines();
  for (int status = 200; status < 600; ++status) {
    const std::string& line = lines[static_cast<std::size_t>(status - 200)];
    CAPTURE(status);
    CAPTURE(line);
    CHECK(line.starts_with("HTTP/1.1 " + std::to_string(status) + " "));
    CHECK(line.ends_with("\r\n"));
    CHECK(std::all_of(line.begin(), line.end() - 2, [](char c) { return c >= ' ' && c <= '~'; }));
  }
}

TEST_CASE("the statuses that are answered here have their usual reasons") {
  CHECK(status_line(200) == "HTTP/1.1 200 OK\r\n");
  CHECK(status_line(201) == "HTTP/1.1 201 Created\r\n");
  CHECK(status_line(204) == "HTTP/1.1 204 No Content\r\n");
  CHECK(status_line(304) == "HTTP/1.1 304 Not Modified\r\n");
  CHECK(status_line(404) == "HTTP/1.1 404 Not Found\r\n");
  CHECK(status_line(409) == "HTTP/1.1 409 Conflict\r\n");
  CHECK(status_line(412) == "HTTP/1.1 412 Precondition Failed\r\n");
  CHECK(status_line(500) == "HTTP/1.1 500 Internal Server Error\r\n");
  CHECK(status_line(503) == "HTTP/1.1 503 Service Unavailable\r\n");
}

TEST_CASE("a line is made once a thread, and threads share nothing") {
  const std::string_view first = status_line(418);
  for (const int other : {200, 404, 599}) status_line(other);
  CHECK(status_line(418).data() == first.data());
  const std::vector<std::string> here = all_lines();
  std::vector<std::vector<std::string>> there(4);
  const char* elsewhere = nullptr;
  std::vector<std::thread> threads;
  for (auto& lines : there) threads.emplace_back([&lines] { lines = all_lines(); });
  for (std::thread& thread : threads) thread.join();
  std::thread([&] { elsewhere = status_line(418).data(); }).join();
  for (const auto& lines : there) CHECK(lines == here);
  CHECK(elsewhere != first.data());
}
