// Names of hosts become addresses off the loop, and libpq is told both.
#include "postgres/hosts.hpp"

#include <algorithm>

#include "postgres/asking.hpp"
#include "postgres/session.hpp"

using namespace cleave;
using namespace cleave::test;
using postgres::numeric_hosts;

TEST_CASE("what needs no look-up is left to libpq as it is") {
  on_fiber([] {
    for (const char* url :
         {"postgresql://u@127.0.0.1:5432/d", "postgresql://u@[::1],10.0.0.1/d",
          "host=/run/postgresql dbname=d", "postgresql:///d", "host=@abstract dbname=d",
          "host=somewhere.invalid hostaddr=127.0.0.1", "host=localhost,b,c port=1,2 dbname=d"}) {
      CAPTURE(url);
      CHECK_FALSE(numeric_hosts(url, soon()).has_value());
    }
  });
}

TEST_CASE("a name stands in the list once for each of its addresses, with its port") {
  on_fiber([] {
    const auto hosts =
        numeric_hosts("postgresql://u@localhost:7,10.0.0.1:8,localhost:9/d", soon(5000));
    REQUIRE(hosts.has_value());
    const auto alone = numeric_hosts("host=localhost dbname=d", soon(5000));
    REQUIRE(alone.has_value());
    CHECK(alone->port.find_first_not_of(',') == std::string::npos);  // libpq's default
    const std::string seven = hosts->port.substr(0, hosts->port.find(",8"));
    CHECK(hosts->host.starts_with(alone->host + ",10.0.0.1,"));
    CHECK(hosts->host.ends_with(alone->host));
    CHECK(hosts->hostaddr == alone->hostaddr + ",," + alone->hostaddr);
    CHECK(seven.find_first_not_of("7,") == std::string::npos);
    CHECK(std::count(hosts->port.begin(), hosts->port.end(), ',') ==
          std::count(hosts->host.begin(), hosts->host.end(), ','));
  });
}

TEST_CASE("libpq goes to the address that was found, at the URL's port") {
  on_fiber([] {
    std::string why;
    try {
      postgres::Session session({.url = "postgresql://u@localhost:1/d"}, soon(5000));
    } catch (const postgres::ConnectionError& error) {
      why = error.what();
    }
    CAPTURE(why);
    const bool there =
        why.find("\"127.0.0.1\"") != std::string::npos || why.find("\"::1\"") != std::string::npos;
    CHECK(there);
    CHECK(why.find("port 1 ") != std::string::npos);
  });
}

TEST_CASE("a name that nobody knows holds up its caller until the deadline, and no other fiber") {
  on_fiber([] {
    int ticks = 0;
    const io::TimePoint start = io::Clock::now();
    side_by_side(2, [&](int i) {
      if (i == 0) {
        CHECK_THROWS_AS(numeric_hosts("host=nobody.invalid", soon(300)), postgres::ConnectionError);
        return;
      }
      for (; ticks < 20; ++ticks) io::sleep_for(io::Millis(1));
    });
    CHECK(ticks == 20);
    CHECK(io::Clock::now() - start < io::Millis(1000));
  });
}
