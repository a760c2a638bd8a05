#include "host/mover.hpp"

#include <thread>
#include <utility>

#include "host/guarded_place.hpp"
#include "host/local_place.hpp"
#include "host/remote_place.hpp"
#include "observe/log.hpp"

namespace cleave::host {
namespace {

// Beyond what a request may take: who is inside by then will not leave.
constexpr io::Millis kGrace{1000};
constexpr io::Millis kReadyTime{2000};

bool is_url(const std::string& to) {
  return to != "here" && to != "guarded";
}

std::string called(const Place& place) {
  return place.ours() ? "the new instance" : place.name();
}

}  // namespace

std::int64_t millis_since(io::TimePoint start) {
  return std::chrono::duration_cast<io::Millis>(io::Clock::now() - start).count();
}

std::shared_ptr<Place> Mover::make(const Seat& seat, const loader::Library& library,
                                   const std::string& to) {
  if (to == "here") return std::make_shared<LocalPlace>(site_, library);
  if (to == "guarded") {
    return std::make_shared<GuardedPlace>(site_, library, run_dir_, ++generation_);
  }
  return std::make_shared<RemotePlace>(site_, seat.name, to, seat.ours);
}

Change Mover::move(Seat& seat, const std::string& to) {
  std::shared_ptr<Place> now = seat.place();
  if (now == nullptr) throw Refused(409, seat.name + " has no place here that it could leave");
  const std::string stays = seat.name + " stays " + (now->ours() ? "" : "at ") + now->name() + ": ";
  const auto refuse = [&](int status, const std::string& why) {
    throw Refused(status, stays + why);
  };
  // One that is there and fails may be started anew: the way out of a quarantine.
  if (now->name() == to && now->why_not_ready().empty()) refuse(409, "it is there already");
  if (!seat.migrated) refuse(503, "its database is not up, or its migrations are not applied yet");
  if (!seat.ours && !is_url(to)) {
    refuse(422, "this host is not configured to run it; start it with " + seat.name +
                    " among CLEAVE_MODULES");
  }
  if (is_url(to) && site_.settings.service_token.empty()) {
    refuse(422,
           "this host has no service token to show; give both hosts the same "
           "CLEAVE_SERVICE_TOKEN");
  }
  now.reset();  // dispose() waits for whoever holds it
  return attempt("moved", stays, [&] { return take_over(seat, seat.library, to); });
}

Change Mover::attempt(const char* event, const std::string& otherwise,
                      const std::function<Change()>& work) {
  const io::TimePoint began = io::Clock::now();
  try {
    Change done = work();
    done.ms = millis_since(began);
    log::info("host", event,
              {{"module", done.module},
               {"from", done.from},
               {"to", done.to},
               {"in_flight", std::to_string(done.in_flight)},
               {"ms", std::to_string(done.ms)}});
    return done;
  } catch (const Refused& refused) {
    throw Refused(refused.status(), otherwise + refused.what());
  } catch (const std::exception& error) {
    throw Refused(422, otherwise + error.what());
  }
}

Change Mover::take_over(Seat& seat, const loader::Library& library, const std::string& to) {
  std::shared_ptr<Place> next = make(seat, library, to);
  try {
    next->begin();
  } catch (...) {
    dispose(std::move(next));
    throw;
  }
  return change(seat, std::move(next), library.module->version);
}

Place::Found Mover::look(Place& place) {
  Place::Found found;
  site_.threads.run_on(0, [&] { found = place.look(); });
  return found;
}

/// Connecting to its database for the first time may take a place of ours longer than a look.
Place::Found Mover::look_for_ready(Place& next) {
  const io::TimePoint until = io::Clock::now() + kReadyTime;
  Place::Found found = look(next);
  while (next.ours() && found.identity && !found.identity->ready && io::Clock::now() < until) {
    std::this_thread::sleep_for(io::Millis(20));
    found = look(next);
  }
  return found;
}

/// Empty: `next` may take the module over.
std::string Mover::what_is_wrong(Seat& seat, Place& next, const std::string& version) {
  const Place::Found found = look_for_ready(next);
  const std::string there = called(next);
  if (!found.identity) return there + ": " + found.why;
  const http::Identity& identity = *found.identity;
  if (!next.ours() && identity.process == http::this_process()) {
    return there + " is this host itself; name another, or move it here";
  }
  if (identity.module != seat.name) return there + " is " + identity.module;
  if (identity.version != version) {
    return there + " runs version " + identity.version + ", and here is " + version +
           "; install the same module file in both hosts";
  }
  if (identity.place != "here" && identity.place != "guarded") {
    return there + " does not run it either, but passes calls on to " + identity.place;
  }
  if (!identity.ready) return there + " is not ready; see its /readyz";
  return next.ours() && seat.place()->ours() ? "" : other_database(seat, identity.database);
}

std::string Mover::other_database(Seat& seat, const std::string& found) {
  const Place::Found now = look(*seat.place());
  // A place that is gone cannot tell any more; it did when the module came there.
  if (now.identity && !now.identity->database.empty()) seat.database = now.identity->database;
  if (seat.database.empty()) return "its own database does not answer, so none can be compared";
  if (found == seat.database) return "";
  return "the other place has another database (" + found.substr(0, 12) + ", and here is " +
         seat.database.substr(0, 12) + "); give both the same CLEAVE_…_DATABASE_URL";
}

/// Waits until nobody is inside; returns how many were at first, -1 when not all have left.
std::int64_t Mover::leave(Place& old) {
  const router::Endpoint& endpoint = old.endpoint();
  // Who had found the old endpoint before the target pointed elsewhere is counted after this.
  site_.threads.run_on_all([] {});
  const std::int64_t inside = endpoint.in_flight();
  const io::TimePoint until = io::Clock::now() + site_.settings.limits.request_time + kGrace;
  while (endpoint.in_flight() != 0) {
    if (io::Clock::now() >= until) return -1;
    std::this_thread::sleep_for(io::Millis(1));
  }
  return inside;
}

Change Mover::change(Seat& seat, std::shared_ptr<Place> next, const std::string& version) {
  std::string wrong = what_is_wrong(seat, *next, version);
  if (!wrong.empty()) {
    dispose(std::move(next));
    throw Refused(422, wrong);
  }
  std::shared_ptr<Place> old = seat.place();
  seat.settle(next);
  seat.open();
  const std::int64_t inside = leave(*old);
  const Place::Found found = look_for_ready(*next);
  if (!found.identity) {
    wrong = called(*next) + " went away while the module moved there";
  } else if (!found.identity->ready) {
    wrong = called(*next) + " ceased to be ready while the module moved there";
  }
  if (!wrong.empty()) {
    seat.settle(old);
    seat.open();
    leave(*next);
    dispose(std::move(next));
    throw Refused(503, wrong);
  }
  const Change done{.module = seat.name,
                    .from = old->name(),
                    .to = next->name(),
                    .version = version,
                    .in_flight = inside};
  if (inside < 0) {
    log::error("host", "calls did not leave a module's old place in time; it is left in memory",
               {{"module", seat.name}, {"place", old->name()}});
    old->retire();
    kept_.push_back(std::move(old));
  } else {
    dispose(std::move(old));
  }
  return done;
}

void Mover::dispose(std::shared_ptr<Place> place) noexcept {
  bool gone = place->retire();
  // A listing or an identity may be asked of it at this moment.
  const io::TimePoint until = io::Clock::now() + kGrace;
  while (gone && place.use_count() > 1) {
    gone = io::Clock::now() < until;
    std::this_thread::sleep_for(io::Millis(1));
  }
  if (!gone) kept_.push_back(std::move(place));
}

}  // namespace cleave::host
