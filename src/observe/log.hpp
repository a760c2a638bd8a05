// The process's log: the only door to spdlog (log.cpp). Synchronous, to standard error: readable
// with colours on a terminal, one JSON object a line otherwise. A line never holds a raw control
// character and is cut at 8 KiB, so that lines cannot be forged. [any thread]
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace cleave::log {

enum class Level { kDebug, kInfo, kWarn, kError };  // the values of CLEAVE_DEBUG … in abi.h
enum class Format { kAuto, kText, kJson };          // kAuto: text when stderr is a terminal

struct Field {
  std::string_view name;
  std::string value;
};

/// Once, at the start of main. Before it, text at level info. Also ignores SIGPIPE.
void init(Format format, Level least);
/// Never throws and never waits long: a line that standard error does not take within 10 ms (full
/// disk, closed or full pipe) is dropped and counted; the next ones do not wait until one passes.
void write(Level level, std::string_view component, std::string_view message,
           std::initializer_list<Field> fields = {}) noexcept;
/// Whether a line of this level would be written: guard costly messages with it.
bool enabled(Level level) noexcept;
/// A whole line of another process, without its line feed, as it is: under the same rules for a
/// standard error that is full.
void pass_on(std::string_view line) noexcept;
/// Whether lines are text; else they are JSON.
bool is_text() noexcept;
/// Lines dropped since the start.
std::uint64_t dropped() noexcept;
/// Last in main: later lines, such as those of static destructors, go nowhere.
void shutdown() noexcept;

inline void debug(std::string_view component, std::string_view message,
                  std::initializer_list<Field> fields = {}) noexcept {
  write(Level::kDebug, component, message, fields);
}
inline void info(std::string_view component, std::string_view message,
                 std::initializer_list<Field> fields = {}) noexcept {
  write(Level::kInfo, component, message, fields);
}
inline void warn(std::string_view component, std::string_view message,
                 std::initializer_list<Field> fields = {}) noexcept {
  write(Level::kWarn, component, message, fields);
}
inline void error(std::string_view component, std::string_view message,
                  std::initializer_list<Field> fields = {}) noexcept {
  write(Level::kError, component, message, fields);
}

}  // namespace cleave::log
