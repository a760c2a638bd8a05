// Mover: changes where a module lives while calls go on. On any failure the module stays where it
// was, and says why.
//
//   make the new place ─► begin ─► look: the same module, version and database, ready ─┐ refused:
//        ┌─────────────────────────────────────────────────────────────────────────────┘ nothing
//        ▼                                                                               happened
//   point the target there ─► each loop makes a turn ─► calls inside the old one end ─► look again
//        ┌──────────────────────────────────────────────────────────────┘ unfit meanwhile: point
//        back ▼
//   retire the old place
#pragma once

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "host/seat.hpp"
#include "supervise/run_dir.hpp"

namespace cleave::host {

/// Why a change was not made, in words for the operator.
class Refused : public std::runtime_error {
 public:
  Refused(int status, const std::string& why) : std::runtime_error(why), status_(status) {}
  int status() const noexcept { return status_; }  // as an HTTP answer: 404, 409, 422, 503

 private:
  int status_;
};

struct Change {
  std::string module, from, to, version;
  std::int64_t in_flight = 0;  // calls inside the old place, which ended there; -1: not all did
  std::int64_t ms = 0;         // from the first step to the old place's end
};

std::int64_t millis_since(io::TimePoint start);

/// All by one thread that lives as long as the process and is no loop.
class Mover {
 public:
  /// Both outlive this.
  Mover(const Site& site, supervise::RunDir& run_dir) : site_(site), run_dir_(run_dir) {}

  /// `to`: "here", "guarded", or a URL. Throws Refused.
  Change move(Seat& seat, const std::string& to);
  /// To a copy of the module's file as it is now, at the place where the module is. The copy may
  /// have another version; its migrations are applied first. Throws Refused.
  Change reload(Seat& seat);

  /// A place of `seat`, not begun. Throws std::runtime_error, std::invalid_argument.
  std::shared_ptr<Place> make(const Seat& seat, const loader::Library& library,
                              const std::string& to);
  /// Ends it, when nobody is inside. What does not end is kept until this goes.
  void dispose(std::shared_ptr<Place> place) noexcept;

 private:
  /// One change: timed, told in the log as `event`; what it throws becomes Refused, told after
  /// `otherwise`.
  Change attempt(const char* event, const std::string& otherwise,
                 const std::function<Change()>& work);
  /// Begins a new place and changes over to it. What was begun ends when that fails.
  Change take_over(Seat& seat, const loader::Library& library, const std::string& to);
  Change change(Seat& seat, std::shared_ptr<Place> next, const std::string& version);
  std::string what_is_wrong(Seat& seat, Place& next, const std::string& version);
  std::string other_database(Seat& seat, const std::string& found);
  std::int64_t leave(Place& old);
  Place::Found look(Place& place);
  Place::Found look_for_ready(Place& next);

  const Site& site_;
  supervise::RunDir& run_dir_;
  unsigned generation_ = 0;
  std::vector<std::shared_ptr<Place>> kept_;
};

}  // namespace cleave::host
