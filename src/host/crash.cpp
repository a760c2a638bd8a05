#include "host/crash.hpp"

#include <unistd.h>

#include <csignal>
#include <cstring>

#include "io/fiber.hpp"

namespace cleave::host {
namespace {

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

// Everything in the handler is async-signal-safe (signal-safety(7)): no allocation, no lock, no
// stdio; one write(2).

class Line {
 public:
  void add(const char* text) noexcept { add(text, std::strlen(text)); }
  void add(const char* text, std::size_t size) noexcept {
    for (std::size_t i = 0; i < size && size_ < sizeof bytes_ - 1; ++i) {
      const auto c = static_cast<unsigned char>(text[i]);
      bytes_[size_++] = c < 0x20 || c == 0x7f ? '?' : text[i];
    }
  }
  void send() noexcept {
    bytes_[size_++] = '\n';
    const ssize_t ignored = write(STDERR_FILENO, bytes_, size_);
    static_cast<void>(ignored);  // there is nobody left to tell
  }

 private:
  char bytes_[320];
  std::size_t size_ = 0;
};

const char* name_of(int signal) noexcept {
  switch (signal) {
    case SIGSEGV:
      return "SIGSEGV";
    case SIGBUS:
      return "SIGBUS";
    case SIGFPE:
      return "SIGFPE";
    case SIGILL:
      return "SIGILL";
    default:
      return "SIGABRT";
  }
}

/// "order GET /orders/7" as "in module order, GET /orders/7".
void add_place(Line& line, const io::Fiber* fiber) noexcept {
  char label[io::Label::kWords * 8 + 1] = "";
  // Without a context the fiber is the host's at this moment, and its label an old one.
  if (fiber != nullptr && fiber->context != nullptr) fiber->label.copy(label);
  if (label[0] == '\0') return line.add(" outside any module");
  const char* space = std::strchr(label, ' ');
  line.add(" in module ");
  if (space == nullptr) return line.add(label);
  line.add(label, static_cast<std::size_t>(space - label));
  line.add(", ");
  line.add(space + 1);
}

void report(int signal, siginfo_t* info, void*) {
  const io::Fiber* fiber = io::Fiber::current();
  const bool overflow =
      signal == SIGSEGV && fiber != nullptr && fiber->overflowed_at(info->si_addr);
  Line line;
  line.add("cleave: ");
  line.add(overflow ? "stack overflow" : name_of(signal));
  add_place(line, fiber);
  line.add("; the whole process ends (see docs/architecture.md)");
  line.send();
  // The default action is back (SA_RESETHAND). Blocked while we are here, it strikes on return,
  // with the registers of the fault for the core file.
  raise(signal);
}

constexpr int kSignals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};

/// An overflown stack cannot run its own handler. Kept to the end of the process: the thread may
/// crash until then.
void prepare_thread() {
  constexpr std::size_t kSize = 32 * 1024;
  stack_t stack{};
  stack.ss_sp = new char[kSize];
  stack.ss_size = kSize;
  sigaltstack(&stack, nullptr);
  // Loops block all signals; a fault that is blocked kills without asking the handler.
  sigset_t faults;
  sigemptyset(&faults);
  for (const int signal : kSignals) sigaddset(&faults, signal);
  pthread_sigmask(SIG_UNBLOCK, &faults, nullptr);
}

void install(io::Threads& threads) {
  prepare_thread();
  threads.run_on_all(&prepare_thread);
  struct sigaction action {};
  action.sa_sigaction = &report;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | static_cast<int>(SA_RESETHAND);
  sigemptyset(&action.sa_mask);
  for (const int signal : kSignals) {
    sigaction(signal, &action, nullptr);
  }
}

#else

void install(io::Threads&) {}

#endif

}  // namespace

void install_crash_reporter(io::Threads& threads) {
  install(threads);
}

}  // namespace cleave::host
