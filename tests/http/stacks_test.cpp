// A process that has no stack left for another fiber.
#include <doctest/doctest.h>

#include <deque>

#include "io/stack.hpp"
#include "world.hpp"

using namespace cleave;
using namespace cleave::test;

TEST_CASE("when no stack is to be had a request gets 503, and the process goes on") {
  World world({}, 1);
  std::deque<Client> clients;
  for (int i = 0; i < 100; ++i) clients.emplace_back(world.server.address());
  int served = 0, refused = 0;
  const std::size_t before = io::Stack::most();
  io::Stack::set_most(50);
  for (Client& one : clients) one.send("GET /slow?500 HTTP/1.1\r\nHost: x\r\n\r\n");
  for (Client& one : clients) {
    const int status = one.answer().status;
    served += status == 200 ? 1 : 0;
    refused += status == 503 ? 1 : 0;
  }
  io::Stack::set_most(before);
  CHECK(served > 10);
  CHECK(refused > 10);
  CHECK(served + refused == 100);
  CHECK(world.alive());
}
