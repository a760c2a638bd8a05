#include "observe/log.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <functional>
#include <string>

#include "observe/log_line.hpp"
#include "support/temp_dir.hpp"

using namespace cleave;

namespace {

/// Points standard error elsewhere for as long as it lives.
class Redirected {
 public:
  explicit Redirected(int fd) : before_(dup(STDERR_FILENO)) { dup2(fd, STDERR_FILENO); }
  ~Redirected() {
    dup2(before_, STDERR_FILENO);
    close(before_);
    log::init(log::Format::kAuto, log::Level::kInfo);
  }

 private:
  int before_;
};

std::string written(log::Format format, const std::function<void()>& work) {
  const test::TempDir dir;
  const std::string path = dir / "log";
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  {
    const Redirected redirected(fd);
    log::init(format, log::Level::kInfo);
    work();
  }
  close(fd);
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// Every digit a zero.
std::string shape_of(std::string text) {
  for (char& c : text) c = c >= '0' && c <= '9' ? '0' : c;
  return text;
}

}  // namespace

TEST_CASE("a text line is for people, without colours in a file") {
  const std::string text = written(log::Format::kText, [] {
    log::info("order", "stored", {{"id", "7"}, {"by", "some one"}, {"none", ""}});
    log::debug("order", "below the level");
  });
  CAPTURE(text);
  const std::string rest = R"( info  order    stored id=7 by="some one" none="")";
  CHECK(shape_of(text.substr(0, 12)) == "00:00:00.000");
  CHECK(text.substr(12) == rest + "\n");
}

TEST_CASE("a file gets one JSON object a line, in UTC") {
  const std::string text = written(log::Format::kAuto, [] {
    log::warn("product", "50% \"off\" \\", {{"key", "a\nb"}});
  });
  CAPTURE(text);
  CHECK(shape_of(text.substr(0, 35)) == "{\"time\":\"0000-00-00T00:00:00.000Z\",");
  CHECK(text.substr(35) ==
        R"("level":"warn","component":"product","message":"50% \"off\" \\","key":"a\nb"})"
        "\n");
}

TEST_CASE("a line cannot be forged by control characters or broken UTF-8") {
  const std::string nasty =
      "a\nb\r\x1b[2J\x7f\xc2\x9b\x01 \xff \xc0\xaf \xed\xa0\x80 \xf4\x90\x80\x80 \xe2\x82";
  const std::string text = log::text_line("user", nasty, {});
  CAPTURE(text);
  CHECK(text ==
        "user     a\\nb\\r\\u001b[2J\\u007f\\u009b\\u0001 \uFFFD \uFFFD\uFFFD \uFFFD\uFFFD\uFFFD "
        "\uFFFD\uFFFD\uFFFD\uFFFD \uFFFD\uFFFD");
  const std::string good = "gr\u00fc\u00df \u20ac \U0001F600";
  CHECK(log::text_line("user", good, {}) == "user     " + good);
  CHECK(log::json_line("user", good, {}) == R"("component":"user","message":")" + good + "\"");
  CHECK(log::json_line("u", std::string("\0\"", 2), {}) ==
        R"("component":"u","message":"\u0000\"")");
}

TEST_CASE("a long line is cut at 8 KiB and is still one valid line") {
  for (const char* unit : {"x", "\n", "\"", "\xff", "\u20ac"}) {
    std::string text;
    for (int i = 0; i < 20000; ++i) text += unit;
    for (const auto format : {log::Format::kText, log::Format::kJson}) {
      const std::string line = written(format, [&] {
        log::error("order", "before", {{"a", text}, {"b", text}, {"c", "unseen"}});
      });
      CHECK(line.size() <= log::kLongestLine);
      CHECK(line.size() > log::kLongestLine - 256);
      CHECK(std::count(line.begin(), line.end(), '\n') == 1);
      CHECK(line.find("unseen") == std::string::npos);
      CHECK(line.ends_with(format == log::Format::kText ? "\n" : "\u2026\"}\n"));
    }
  }
}

TEST_CASE("a full disk costs lines and nothing else") {
  const int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
  REQUIRE(full >= 0);
  const auto before = log::dropped();
  {
    const Redirected redirected(full);
    log::init(log::Format::kText, log::Level::kInfo);
    for (int i = 0; i < 10; ++i) log::info("user", "lost");
  }
  close(full);
  CHECK(log::dropped() - before == 10);
}

TEST_CASE("a closed pipe costs lines and nothing else") {
  int ends[2];
  REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
  const auto before = log::dropped();
  {
    const Redirected redirected(ends[1]);
    log::init(log::Format::kText, log::Level::kInfo);
    close(ends[0]);
    for (int i = 0; i < 10; ++i) log::info("user", "lost");
  }
  close(ends[1]);
  CHECK(log::dropped() - before == 10);
}

TEST_CASE("a reader that sleeps delays one line, and the next whole line starts afresh") {
  int ends[2];
  REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
  const auto before = log::dropped();
  const auto start = std::chrono::steady_clock::now();
  std::string read_back;
  {
    const Redirected redirected(ends[1]);
    log::init(log::Format::kText, log::Level::kInfo);
    for (int i = 0; i < 1000; ++i) log::info("user", std::string(5000, 'x'));
    CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(5));  // not 1000 waits
    CHECK(log::dropped() - before > 900);
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    char buffer[65536];
    for (ssize_t got; (got = read(ends[0], buffer, sizeof buffer)) > 0;) {
      read_back.append(buffer, static_cast<std::size_t>(got));
    }
    log::info("user", "after");
    for (ssize_t got; (got = read(ends[0], buffer, sizeof buffer)) > 0;) {
      read_back.append(buffer, static_cast<std::size_t>(got));
    }
  }
  close(ends[0]);
  close(ends[1]);
  const auto last = read_back.rfind('\n', read_back.size() - 2);
  REQUIRE(last != std::string::npos);
  CHECK(read_back.substr(last + 1 + 12) == " info  user     after\n");
}

TEST_CASE("the level guards costly messages, and nothing is written after shutdown") {
  const std::string text = written(log::Format::kText, [] {
    CHECK_FALSE(log::enabled(log::Level::kDebug));
    CHECK(log::enabled(log::Level::kError));
    log::shutdown();
    CHECK_FALSE(log::enabled(log::Level::kError));
    log::error("user", "too late");
  });
  CHECK(text.empty());
}
