#include "supervise/relay.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "observe/log.hpp"

namespace cleave::supervise {
namespace {

std::string make_prefix(const std::string& name, std::size_t width, std::size_t number) {
  static constexpr std::array kColours = {"\x1b[36m", "\x1b[35m", "\x1b[33m",
                                          "\x1b[34m", "\x1b[32m", "\x1b[31m"};
  std::string padded = name;
  if (padded.size() < width) padded.resize(width, ' ');
  padded += " | ";
  if (isatty(STDERR_FILENO) != 1) return padded;
  return kColours[number % kColours.size()] + padded + "\x1b[0m";
}

}  // namespace

Relay::Relay(std::string name, std::size_t width, std::size_t number)
    : name_(std::move(name)), prefix_(make_prefix(name_, width, number)) {
  if (pipe2(pipe_, O_CLOEXEC) != 0) {
    throw std::runtime_error(std::string("cannot make a pipe: ") + std::strerror(errno));
  }
  fcntl(pipe_[0], F_SETFL, O_NONBLOCK);  // of this end only: the child's may wait
}

Relay::~Relay() {
  close(pipe_[0]);
  close(pipe_[1]);
}

void Relay::pump() {
  char buffer[16384];
  // One buffer each time it is readable: a process that writes without end keeps nobody else.
  const ssize_t got = read(pipe_[0], buffer, sizeof buffer);
  if (got > 0) take({buffer, static_cast<std::size_t>(got)});
}

void Relay::finish() {
  char buffer[16384];
  // At most what a pipe holds: others may still have the other end.
  for (int i = 0; i < 4; ++i) {
    const ssize_t got = read(pipe_[0], buffer, sizeof buffer);
    if (got <= 0) break;
    take({buffer, static_cast<std::size_t>(got)});
  }
  if (!begun_.empty()) write(begun_);
  begun_.clear();
}

void Relay::take(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    begun_.append(bytes.substr(0, end));
    while (begun_.size() > kLongestLine) {
      write(std::string_view(begun_).substr(0, kLongestLine));
      begun_.erase(0, kLongestLine);
    }
    if (end == std::string_view::npos) return;
    if (!begun_.empty()) write(begun_);
    begun_.clear();
    bytes.remove_prefix(end + 1);
  }
}

void Relay::write(std::string_view line) {
  if (log::is_text()) return log::pass_on(prefix_ + std::string(line));
  const std::string object = with_process(line, name_);
  if (!object.empty()) return log::pass_on(object);
  log::warn(name_, line, {{"process", name_}});  // such as nginx' errors; our log escapes it
}

std::string with_process(std::string_view line, std::string_view name) {
  // Our own hosts write objects with one member at least; names have letters, digits, "_", "+".
  if (!line.starts_with("{\"") || !line.ends_with('}')) return "";
  return "{\"process\":\"" + std::string(name) + "\"," + std::string(line.substr(1));
}

}  // namespace cleave::supervise
