#include "observe/log.hpp"

#include <poll.h>
#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <memory>
#include <mutex>

#include "observe/log_line.hpp"

namespace cleave::log {
namespace {

std::atomic<std::uint64_t> lost{0};

/// Writes lines to standard error, and gives up on those that it does not take soon: a full disk,
/// a closed pipe or a reader that sleeps must not stop a request.
class StderrSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  void pass_on(std::string_view text) {
    const std::lock_guard<std::mutex> lock(mutex_);
    std::string line = torn_ ? "\n" : "";
    line.append(text).push_back('\n');
    if (!put(line.data(), line.size())) lost.fetch_add(1, std::memory_order_relaxed);
  }

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t line;
    if (torn_) line.push_back('\n');
    base_sink::formatter_->format(message, line);
    if (!put(line.data(), line.size())) lost.fetch_add(1, std::memory_order_relaxed);
  }
  void flush_() override {}

 private:
  bool put(const char* data, std::size_t size) {
    std::size_t done = 0;
    while (done < size) {
      pollfd ready{STDERR_FILENO, POLLOUT, 0};
      // A writable pipe takes PIPE_BUF bytes without blocking: pipe(7).
      if (poll(&ready, 1, stuck_ ? 0 : kPatienceMs) != 1) break;
      const ssize_t written = ::write(STDERR_FILENO, data + done, std::min(size - done, kPipeBuf));
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) break;
      done += static_cast<std::size_t>(written);
    }
    stuck_ = done < size;
    torn_ = stuck_ && (done != 0 || torn_);
    return !stuck_;
  }

  static constexpr int kPatienceMs = 10;
  static constexpr std::size_t kPipeBuf = 4096;
  bool stuck_ = false;  // the last line was not taken: the next one does not wait
  bool torn_ = false;   // it was taken in part: the next one starts with a line feed
};

/// %*: the level, padded, in its colour on a terminal.
class LevelFlag final : public spdlog::custom_flag_formatter {
 public:
  explicit LevelFlag(bool text, bool colours) : text_(text), colours_(colours) {}
  void format(const spdlog::details::log_msg& message, const std::tm&,
              spdlog::memory_buf_t& out) override {
    struct Look {
      std::string_view name, colour;
    };
    static constexpr std::array<Look, 4> kLooks = {
        {{"debug", "\x1b[2m"}, {"info", "\x1b[32m"}, {"warn", "\x1b[33m"}, {"error", "\x1b[31m"}}};
    const int index = std::clamp(static_cast<int>(message.level) - SPDLOG_LEVEL_DEBUG, 0, 3);
    const Look& look = kLooks[static_cast<std::size_t>(index)];
    append(out, colours_ ? look.colour : "");
    append(out, look.name);
    append(out, colours_ ? "\x1b[0m" : "");
    if (text_) append(out, std::string_view("     ").substr(look.name.size()));
  }
  std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<LevelFlag>(text_, colours_);
  }

 private:
  static void append(spdlog::memory_buf_t& out, std::string_view text) {
    out.append(text.data(), text.data() + text.size());
  }
  bool text_, colours_;
};

spdlog::level::level_enum level_of(Level level) noexcept {
  return static_cast<spdlog::level::level_enum>(static_cast<int>(level) + SPDLOG_LEVEL_DEBUG);
}

struct State {
  bool text;
  std::shared_ptr<StderrSink> sink = std::make_shared<StderrSink>();
  spdlog::logger logger;
  State* replaced = nullptr;

  State(Format format, Level least)
      : text(format == Format::kText || (format == Format::kAuto && isatty(STDERR_FILENO) == 1)),
        logger("cleave", sink) {
    const bool colours = text && isatty(STDERR_FILENO) == 1;
    auto formatter = std::make_unique<spdlog::pattern_formatter>(
        text ? spdlog::pattern_time_type::local : spdlog::pattern_time_type::utc, "\n");
    formatter->add_flag<LevelFlag>('*', text, colours);
    formatter->set_pattern(text ? "%H:%M:%S.%e %* %v"
                                : R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%*",%v})");
    logger.set_formatter(std::move(formatter));
    logger.set_level(level_of(least));
    // spdlog's own handler would print to standard error, which is what has failed.
    logger.set_error_handler([](const std::string&) { lost.fetch_add(1); });
  }
};

std::atomic<State*> newest{nullptr};
std::atomic<bool> ended{false};

/// A replaced state is kept, since a thread may still be writing with it.
void set(std::unique_ptr<State> made) noexcept {
  made->replaced = newest.load(std::memory_order_acquire);
  while (!newest.compare_exchange_weak(made->replaced, made.get())) {
  }
  made.release();
}

/// Null after shutdown().
State* state() noexcept {
  if (ended.load(std::memory_order_acquire)) return nullptr;
  if (State* const found = newest.load(std::memory_order_acquire)) return found;
  try {
    set(std::make_unique<State>(Format::kText, Level::kInfo));
  } catch (...) {
    return nullptr;
  }
  return newest.load(std::memory_order_acquire);
}

}  // namespace

void init(Format format, Level least) {
  // A reader that has gone must cost a lost line (EPIPE), not the process.
  std::signal(SIGPIPE, SIG_IGN);
  set(std::make_unique<State>(format, least));
  ended.store(false, std::memory_order_release);
}

void write(Level level, std::string_view component, std::string_view message,
           std::initializer_list<Field> fields) noexcept {
  State* const to = state();
  if (to == nullptr || !to->logger.should_log(level_of(level))) return;
  try {
    const std::string line =
        to->text ? text_line(component, message, fields) : json_line(component, message, fields);
    to->logger.log(level_of(level), spdlog::string_view_t(line.data(), line.size()));
  } catch (...) {  // out of memory
    lost.fetch_add(1, std::memory_order_relaxed);
  }
}

bool enabled(Level level) noexcept {
  State* const to = state();
  return to != nullptr && to->logger.should_log(level_of(level));
}

void pass_on(std::string_view line) noexcept {
  State* const to = state();
  if (to == nullptr) return;
  try {
    to->sink->pass_on(line);
  } catch (...) {  // out of memory
    lost.fetch_add(1, std::memory_order_relaxed);
  }
}

bool is_text() noexcept {
  const State* const to = state();
  return to != nullptr && to->text;
}

std::uint64_t dropped() noexcept {
  return lost.load(std::memory_order_relaxed);
}

void shutdown() noexcept {
  ended.store(true, std::memory_order_release);
}

}  // namespace cleave::log
