// The question that stands before a move: who is the module over there?
#include "http/internal_wire.hpp"
#include "http/remote_endpoint.hpp"

namespace cleave::http {

RemoteEndpoint::Inquiry RemoteEndpoint::inquire(io::Millis time) {
  const RemoteRequest request{.module = options_.module,
                              .caller = kOutside,
                              .method = "GET",
                              .path = {},
                              .query = kIdentityQuery,
                              .body = {}};
  RemoteAnswer answer(options_.body, false);
  const char* why = "";
  const Outcome outcome =
      ask(request, observe::TraceContext::make(), io::Clock::now() + time, answer, why);
  switch (outcome) {
    case Outcome::kAnswered:
      if (auto identity = read_identity(answer.response())) return {std::move(identity), ""};
      return {std::nullopt, "it does not say who it is; run the same version of cleave there"};
    case Outcome::kAbsent:
      return {std::nullopt, "that host does not run " + options_.module +
                                ", or has no service token; give both hosts the same "
                                "CLEAVE_SERVICE_TOKEN"};
    case Outcome::kRefused:
      return {std::nullopt, std::string("that host ") + why};
    default:
      return {std::nullopt, std::string("nobody answers there as a host would (") + why + ")"};
  }
}

}  // namespace cleave::http
