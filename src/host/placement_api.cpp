#include "host/placement_api.hpp"

#include "cleave/json.hpp"
#include "cleave/problem.hpp"
#include "io/wait.hpp"

namespace cleave::host {
namespace {

constexpr std::string_view kRoot = "/placement";
constexpr std::string_view kReload = "/reload";
// Longer than any change can take; only so that no wait is without an end.
constexpr io::Millis kPatience{120000};

void row(JsonWriter& json, const Seat& seat) {
  const std::shared_ptr<Place> place = seat.place();
  json.begin_object().key("module").text(seat.name);
  json.key("version").text(seat.library.module->version);
  json.key("place").text(place ? place->name() : "nowhere");
  const std::string why = !place           ? "it has no URL"
                          : !seat.migrated ? "its database is not up or not migrated"
                                           : place->why_not_ready();
  json.key("state").text(why.empty() ? "ready" : why);
  json.key("in_flight").number(seat.target->in_flight());
  const std::optional<pid_t> process = place ? place->process() : std::nullopt;
  if (process && *process > 0) json.key("pid").number(*process);
  json.end_object();
}

Response list(const Placement& placement) {
  std::string body;
  JsonWriter json(body);
  json.begin_array();
  for (const auto& seat : placement.seats()) row(json, *seat);
  json.end_array();
  Response response = json_response(200, std::move(body));
  response.set("Cache-Control", "no-store");
  return response;
}

Response report(const Placement::Outcome& outcome) {
  if (outcome.status != 200) throw Problem(outcome.status, "not-moved", outcome.why);
  const Change& change = outcome.change;
  std::string body;
  JsonWriter json(body);
  json.begin_object().key("module").text(change.module);
  json.key("from").text(change.from).key("to").text(change.to);
  json.key("version").text(change.version).key("in_flight").number(change.in_flight);
  json.key("ms").number(change.ms).end_object();
  return json_response(200, std::move(body));
}

/// What the fiber that waits and the warden share; whoever is last frees it.
struct Pending {
  io::Loop& loop = *io::Loop::current();
  io::Waiter waiter;
  Placement::Outcome outcome;
};

template <class Begin>
Response wait_for(Begin begin) {
  const auto pending = std::make_shared<Pending>();
  const bool begun = begin([pending](const Placement::Outcome& outcome) {
    pending->loop.post([pending, outcome] {
      pending->outcome = outcome;
      pending->waiter.wake();
    });
  });
  if (!begun) throw Problem(409, "busy", "another change of placement is under way; try again");
  if (!pending->waiter.wait(io::Clock::now() + kPatience)) {
    throw Problem(504, "deadline-exceeded", "the change goes on; see GET /placement");
  }
  return report(pending->outcome);
}

Seat& seat_of(const Placement& placement, std::string_view name) {
  if (Seat* const seat = placement.find(name)) return *seat;
  std::string known;
  for (const auto& seat : placement.seats()) known += (known.empty() ? "" : ", ") + seat->name;
  throw Problem(404, "not-found", "no such module; this host knows " + known);
}

void allow(const Request& request, std::string_view method) {
  if (request.method == method) return;
  throw Problem(405, "method-not-allowed", "This method is not served here.").with("Allow", method);
}

}  // namespace

http::Handler placement_handler(Placement& placement) {
  return [&placement](const Request& request, router::RequestScope&, Response& response) {
    std::string_view rest = request.path.substr(kRoot.size());
    if (rest.empty()) {
      allow(request, "GET");
      response = list(placement);
      return;
    }
    if (!rest.starts_with('/')) {
      throw Problem(404, "not-found", "Nothing is served at this path.");
    }
    rest.remove_prefix(1);
    if (rest.ends_with(kReload)) {
      allow(request, "POST");
      Seat& seat = seat_of(placement, rest.substr(0, rest.size() - kReload.size()));
      response =
          wait_for([&](Placement::Done done) { return placement.reload(seat, std::move(done)); });
      return;
    }
    allow(request, "PUT");
    Seat& seat = seat_of(placement, rest);
    JsonObject json(request);
    const std::string to = json.text("to", 1, 512);
    json.done();
    response =
        wait_for([&](Placement::Done done) { return placement.move(seat, to, std::move(done)); });
  };
}

}  // namespace cleave::host
