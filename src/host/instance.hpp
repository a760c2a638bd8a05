// Instance: one loaded module alive in this process. It calls the module's functions in legal
// order only, checks what comes back, and names and contains whatever the module does wrong: the
// caller gets an answer, the log says whose fault it was, the process goes on.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

#include "cleave/message.hpp"
#include "host/guard.hpp"
#include "io/timer.hpp"
#include "loader/library.hpp"

namespace cleave::host {

//            create()          start()              drain               stop()            destroy()
//   loaded ───────────► created ───────► started ───────────► draining ───────► stopped ──────────►
//     │ NULL               │ not 0       handle()  no new handle(),  │ handle() outlives
//     │                    │ stop()      ready()   those inside end  │ the patience
//     ▼                    ▼                                         ▼
//   failed               failed                                    failed (kept, never destroyed)
//
// failed is terminal. Only in started does the module see requests, and its background().
enum class State : std::uint8_t { kLoaded, kCreated, kStarted, kDraining, kStopped, kFailed };

class Instance {
 public:
  /// `host` outlives this. Calls nothing of the module yet. [main]
  Instance(const loader::Library& library, const cleave_host* host);
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;
  ~Instance();  // stop(), then destroy()

  /// create() and start(). Throws std::runtime_error with the module's name, the step, and what
  /// the module logged as its reason; then it is failed, and all it had is given back. [main]
  void start();
  /// Lets no request in any more, waits until those inside have ended, calls stop(). If one
  /// outlives `patience` the module is left as it is, alive: ending it under a running request
  /// would end the process. Idempotent; does nothing when never started. [main, not a loop]
  void stop(io::Millis patience = io::Millis(2000)) noexcept;

  /// Started, and the module says that it can serve. [any thread]
  bool ready() const noexcept;
  /// One request, one answer. `request_id` and `caller` are what the module is told; those in
  /// `request` are ignored. Bad behaviour becomes a 500 problem: "no-answer", "bad-answer",
  /// "module-failed". [fiber, concurrent]
  void handle(const Request& request, std::string_view request_id, std::string_view caller,
              Response& response) noexcept;

  /// Work that no request asks for, if the module has any. False: it could not be done. [fiber, one
  /// at a time]
  bool background() noexcept;
  /// Between two of them; 0: the module has none.
  io::Millis background_every() const noexcept;

  /// A request is inside, or was when stop() lost its patience. [any thread]
  bool busy() const noexcept { return !idle(); }
  State state() const noexcept { return state_.load(std::memory_order_acquire); }
  std::string_view name() const noexcept { return name_; }

 private:
  struct alignas(64) Count {  // one a loop, written by that loop only
    std::atomic<std::int64_t> inside{0};
  };
  class Inside;

  void run(const Request& request, std::string_view request_id, std::string_view caller,
           ResponseSink& sink);
  void fail(const Request& request, std::string_view request_id, const char* slug,
            std::string_view what, Response& response) const noexcept;
  [[noreturn]] void refuse(std::string_view step);
  template <class Function>
  bool call_quietly(const char* step, Function&& function) noexcept;
  bool idle() const noexcept;

  const cleave_module* module_;
  std::string name_;
  Guard guard_;
  void* self_ = nullptr;
  std::atomic<State> state_{State::kLoaded};
  std::array<Count, 64> counts_;
};

}  // namespace cleave::host
