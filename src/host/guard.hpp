// Guard: the cleave_host that a module really holds. It stands between the module and its
// capabilities, refuses what the lifecycle forbids (a query in create(), a call from a thread that
// is no fiber), says so in the log, and remembers the last error a module logged, so that a
// refusal can be explained.
#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <string_view>

#include "cleave/abi.h"

namespace cleave::host {

class Guard {
 public:
  /// `inner` outlives this; it is never called for what is refused.
  Guard(std::string module, const cleave_host* inner);
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;

  /// Valid as long as this, at the same address.
  const cleave_host* host() const noexcept { return &host_; }
  /// From now on the module may wait (query, call, gather …). [any thread]
  void open() noexcept { open_.store(true, std::memory_order_release); }
  void close() noexcept { open_.store(false, std::memory_order_release); }
  /// What the module last logged at level error since the last take; empty when nothing.
  std::string take_last_error();

 private:
  static const Guard& of(const cleave_host* host) noexcept {
    return *static_cast<const Guard*>(host->self);
  }
  bool may_wait(const char* function) const noexcept;
  bool may_wait(const char* function, const cleave_error_sink* errors) const noexcept;

  static void log(const cleave_host*, int level, cleave_view message);
  static int config(const cleave_host*, cleave_view key, cleave_view* value);
  static void call(const cleave_host*, cleave_view module, const cleave_request*,
                   const cleave_sink*);
  static void gather(const cleave_host*, const cleave_task*, std::size_t);
  static const cleave_rows* query(const cleave_host*, const cleave_query*,
                                  const cleave_error_sink*);
  static const cleave_rows* query_batched(const cleave_host*, const cleave_query*,
                                          const cleave_error_sink*);
  static cleave_tx* begin(const cleave_host*, const cleave_error_sink*);
  static int cache_fetch(const cleave_host*, cleave_view key, const cleave_loader*,
                         const cleave_entry_sink*);
  static int cache_store(const cleave_host*, cleave_view key, const cleave_entry*);

  std::string module_;
  const cleave_host* inner_;
  cleave_host host_;
  std::atomic<bool> open_{false};
  mutable std::mutex mutex_;
  mutable std::string last_error_;
};

}  // namespace cleave::host
