// Relay: the output of another process, passed on to our log line by line, with its name.
#pragma once

#include <string>
#include <string_view>

namespace cleave::supervise {

/// Our end of a pipe to a child's standard output and error, and the line that has begun. Each line
/// becomes one of our log: as text after a prefix, coloured on a terminal; as JSON with a member
/// "process", and a line that is no JSON object as the message of one.
class Relay {
 public:
  static constexpr std::size_t kLongestLine = 8192;  // what is longer goes on in the next line

  /// `width`: of the longest name; `number` chooses the colour. Throws std::runtime_error when
  /// there is no pipe.
  Relay(std::string name, std::size_t width, std::size_t number);
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;
  ~Relay();

  int input() const noexcept { return pipe_[1]; }   // for the child; stays open for the next one
  int output() const noexcept { return pipe_[0]; }  // readable when something was written
  /// Passes on what there is, without waiting.
  void pump();
  /// The same, and a line without an end; when the process has gone.
  void finish();

 private:
  void take(std::string_view bytes);
  void write(std::string_view line);

  std::string name_, prefix_, begun_;
  int pipe_[2] = {-1, -1};
};

/// `{"process":"NAME",` and the rest of a JSON object; empty when `line` is none. [any thread]
std::string with_process(std::string_view line, std::string_view name);

}  // namespace cleave::supervise
