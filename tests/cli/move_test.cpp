// What `cleave move` says of the host's answer.
#include <doctest/doctest.h>

#include "cli/program.hpp"
#include "http/remote_peer.hpp"

namespace cleave::test {
namespace {

std::string said_of(const std::string& in_flight) {
  const Peer host(always(peer_answer(
      R"({"module":"order","from":"here","to":"guarded","version":"1.0.0","in_flight":)" +
      in_flight + R"(,"ms":12})")));
  const std::string listen = host.url().substr(std::string("http://").size());
  const Ended move = run_program({"move", "order", "guarded", "--admin", listen});
  CAPTURE(move.err);
  CHECK(move.code == 0);
  return move.out;
}

}  // namespace

TEST_CASE("cleave move tells how many calls finished, or that some had not") {
  CHECK(said_of("3") == "order: here -> guarded, 3 calls in flight finished, 12 ms\n");
  CHECK(said_of("-1") ==
        "order: here -> guarded, some calls had not finished; they go on in the old instance, "
        "12 ms\n");
}

}  // namespace cleave::test
