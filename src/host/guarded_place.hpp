// GuardedPlace: a module in a child process of its own, which is this same program with one module.
//
//   this process                                        the child: cleave run --modules order
//     order's target ─ RemoteEndpoint ─ order-1.sock ──► its door, internal routes, order
//     user, product ◄─ internal routes ◄ order-1-peers.sock ── CLEAVE_USER_URL, CLEAVE_PRODUCT_URL
//
// Both sockets lie in the process's private run directory, and both ways demand a token that is
// made for this child: it can ask as its own module and as nobody else, and it is given its own
// database's connection string and no other secret.
#pragma once

#include <atomic>
#include <memory>

#include "host/place.hpp"
#include "http/remote_endpoint.hpp"
#include "http/server.hpp"
#include "loader/library.hpp"
#include "supervise/guarded.hpp"
#include "supervise/run_dir.hpp"

namespace cleave::host {

class GuardedPlace final : public Place {
 public:
  /// `generation` makes the sockets' names unique in this process. Throws std::runtime_error.
  GuardedPlace(const Site& site, const loader::Library& library, supervise::RunDir& run_dir,
               unsigned generation);
  /// Waits until the child serves, 10 s at most.
  void begin() override;
  bool retire() noexcept override;
  bool tend() override;
  router::Endpoint& endpoint() noexcept override { return *endpoint_; }
  std::string name() const override { return "guarded"; }
  Found look() override;
  std::string why_not_ready() const override;
  std::optional<pid_t> process() const override { return child_->pid(); }

 private:
  class Door;  // 503 at once while there is no process to ask

  io::Threads& threads_;
  std::string listen_;
  std::unique_ptr<http::RemoteEndpoint> remote_;
  std::unique_ptr<http::Server> peers_;  // what the child asks of us
  std::unique_ptr<supervise::Guarded> child_;
  std::unique_ptr<router::Endpoint> endpoint_;  // a Door
  std::shared_ptr<void> collector_;
  std::atomic<bool> answers_{false};
  io::TimePoint next_look_ = {};
};

}  // namespace cleave::host
