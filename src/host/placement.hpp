// Placement: which module lives where, from the start to the end, and every change in between.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "host/mover.hpp"
#include "host/warden.hpp"
#include "http/remote_check.hpp"

namespace cleave::host {

class Placement {
 public:
  /// One seat a module: `loaded.libraries` here or, as settings say, guarded; `loaded.elsewhere` at
  /// their URLs. Adds the targets to the router. Nothing runs yet. All outlive this.
  Placement(const Site& site, const loader::Loaded& loaded);
  ~Placement();  // stop()

  /// Starts all, dependencies first, migrations side by side. Throws std::runtime_error when a
  /// module or a migration refuses. [main]
  void start();
  /// Ends the change at hand, then the modules, dependants first. No request may be in hand.
  /// Idempotent. [main, while the loops run]
  void stop();

  const std::vector<std::unique_ptr<Seat>>& seats() const noexcept { return seats_; }
  Seat* find(std::string_view module) const noexcept;
  /// One "module: reason" each. [any thread]
  std::vector<std::string> not_ready() const;
  /// For other hosts. [fiber]
  http::Identity identity(std::string_view module) const;

  /// What came of a change: done, or why not and as which HTTP status.
  struct Outcome {
    int status = 200;
    std::string why;
    Change change;
  };
  /// Both begin a change and return; `done` is called once, on the warden's thread. False: another
  /// change is under way, and `done` is not called. [any thread]
  using Done = std::function<void(const Outcome&)>;
  bool move(Seat& seat, std::string to, Done done);
  bool reload(Seat& seat, Done done);

 private:
  void add(const loader::Library& library, bool ours);
  void begin(Seat& seat);
  bool change(std::function<Change()> work, Done done);
  bool tend();
  void check_neighbours();

  const Site& site_;
  supervise::RunDir run_dir_;
  Mover mover_{site_, run_dir_};
  std::vector<std::unique_ptr<Seat>> seats_;  // dependencies first
  std::unique_ptr<Warden> warden_;
  std::unique_ptr<http::RemoteCheck> check_;  // of the start; stopped before the first change
  bool stopped_ = false;
};

}  // namespace cleave::host
