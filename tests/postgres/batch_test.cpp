// Batched statements: many callers, one command, and nobody notices.
#include <cstring>

#include "postgres/asking.hpp"
#include "postgres/rows.hpp"

using namespace cleave;
using namespace cleave::test;

namespace {

Result ask_batched(Database& database, std::string_view sql, const std::vector<const char*>& params,
                   int ms = 2000) {
  std::vector<cleave_view> views;
  for (const char* one : params) views.push_back({one, one != nullptr ? std::strlen(one) : 0});
  return database.query({sql, views.data(), views.size(), true}, soon(ms));
}

/// What a module sees of its rows.
std::string seen(Result result, std::size_t column = 0) {
  REQUIRE(result.ok());
  const cleave_rows* const rows = postgres::make_rows(std::move(result));
  std::string text = rows->rows == 0 ? "none" : "";
  for (std::size_t row = 0; row < rows->rows; ++row) {
    const cleave_view value = rows->value(rows, row, column);
    text += value.data == nullptr ? "NULL" : std::string(value.data, value.size);
  }
  postgres::release_rows(rows);
  return text;
}

constexpr std::string_view kSquares =
    "SELECT t.square, k.ordinality FROM unnest($1::int[]) WITH ORDINALITY AS k(id) "
    "JOIN squares t ON t.id = k.id";

void with_squares(const std::string& name, const std::function<void(Database&)>& body,
                  const std::function<void(postgres::Options&)>& change = {}) {
  with_database(
      name,
      [&](Database& database) {
        REQUIRE(ask(database,
                    "CREATE TABLE squares (id int PRIMARY KEY, square int CHECK "
                    "(square < 1000000))")
                    .ok());
        REQUIRE(ask(database, "INSERT INTO squares SELECT i, i * i FROM generate_series(1, 50) i")
                    .ok());
        body(database);
      },
      change);
}

}  // namespace

TEST_CASE("callers of one batched text get a row each, from few commands") {
  with_squares("batch_each", [](Database& database) {
    CHECK(seen(ask_batched(database, kSquares, {"7"})) == "49");
    const double before = count(database, "segments");
    side_by_side(60, [&](int i) {
      const int id = i % 2 == 0 ? i : 1;  // many ask for the same, and 0 and 51 … are not there
      const std::string expected = id >= 1 && id <= 50 ? std::to_string(id * id) : "none";
      CHECK(seen(ask_batched(database, kSquares, {std::to_string(id).c_str()})) == expected);
    });
    CHECK(count(database, "segments") - before <= 2);
    CHECK(count(database, "batched") >= 58);
  });
}

TEST_CASE("rows with a column \"key\" go to all that gave this value") {
  with_squares("batch_key", [](Database& database) {
    constexpr std::string_view kByKey =
        "SELECT square, id AS key FROM squares WHERE id = ANY ($1::int[])";
    side_by_side(60, [&](int i) {
      const int id = i % 2 == 0 ? i : 1;
      const std::string expected = id >= 1 && id <= 50 ? std::to_string(id * id) : "none";
      CHECK(seen(ask_batched(database, kByKey, {std::to_string(id).c_str()})) == expected);
    });
    side_by_side(6, [&](int i) {  // NULL is no key, and '' is one
      const std::vector<const char*> keys = {nullptr, "", "NULL", "null", "a b", "\"é\\"};
      const char* const key = keys[static_cast<std::size_t>(i)];
      CHECK(seen(ask_batched(database,
                             "SELECT 'of ' || k, k AS key FROM unnest(ARRAY['', 'NULL', 'null', "
                             "'a b', '\"é\\']) AS k WHERE k = ANY ($1::text[])",
                             {key})) == (key == nullptr ? "none" : "of " + std::string(key)));
    });
  });
}

TEST_CASE("a caller that gives up leaves a row that is nobody's, and that is no fault") {
  with_squares("batch_key_late", [](Database& database) {
    constexpr std::string_view kSlow =
        "SELECT id, pg_sleep(0.05), id AS key FROM squares WHERE id = ANY ($1::int[])";
    CHECK(seen(ask_batched(database, kSlow, {"1"})) == "1");
    side_by_side(8, [&](int i) {
      const std::string mine = std::to_string(i + 1);
      const bool late = i == 0 || i == 4;  // the first of its chain, and one amid it
      Result result = ask_batched(database, kSlow, {mine.c_str()}, late ? 100 : 2000);
      CHECK(result.ok() == !late);
      if (!late) CHECK(seen(std::move(result)) == mine);
    });
  });
}

TEST_CASE("rows without a column \"ordinality\" are dealt out in order: an INSERT … RETURNING") {
  with_squares("batch_insert", [](Database& database) {
    side_by_side(40, [&](int i) {
      const std::string id = std::to_string(100 + i), square = std::to_string(i);
      CHECK(seen(ask_batched(database,
                             "INSERT INTO squares SELECT * FROM unnest($1::int[], $2::int[]) "
                             "RETURNING square",
                             {id.c_str(), square.c_str()})) == square);
    });
    CHECK(value(ask(database, "SELECT count(*) FROM squares WHERE id = square + 100")) == "40");
  });
}

TEST_CASE("a batch of which one value is wrong fails that caller, and nobody else") {
  with_squares("batch_wrong", [](Database& database) {
    side_by_side(12, [&](int i) {
      const Result result =
          ask_batched(database, kSquares, {i == 5 ? "five" : std::to_string(i + 1).c_str()});
      CHECK(result.ok() == (i != 5));
      if (i == 5) CHECK(result.error.sqlstate == "22P02");
    });
    side_by_side(12, [&](int i) {
      const std::string id = std::to_string(200 + i);
      const Result result = ask_batched(
          database, "INSERT INTO squares SELECT * FROM unnest($1::int[], $2::int[]) RETURNING id",
          {id.c_str(), i == 3 ? "1000000" : "1"});
      CHECK(result.ok() == (i != 3));
      if (i == 3) CHECK(result.error.sqlstate == "23514");
    });
    CHECK(value(ask(database, "SELECT count(*) FROM squares WHERE id >= 200")) == "11");
  });
}

TEST_CASE("the culprit of a large batch is found by halves") {
  with_squares("batch_halves", [](Database& database) {
    const double before = count(database, "repeats");
    side_by_side(100, [&](int i) {
      const std::string id = std::to_string(1000 + i);
      const Result result = ask_batched(
          database, "INSERT INTO squares SELECT * FROM unnest($1::int[], $2::int[]) RETURNING id",
          {id.c_str(), i == 77 ? "1000000" : "1"});
      CHECK(result.ok() == (i != 77));
    });
    CHECK(count(database, "repeats") - before <= 14);  // two for each power of two
    CHECK(value(ask(database, "SELECT count(*) FROM squares WHERE id >= 1000")) == "99");
  });
}

TEST_CASE("a caller that gives up leaves the others of its batch their own rows") {
  with_squares("batch_late", [](Database& database) {
    constexpr std::string_view kSlow =
        "SELECT k.v, pg_sleep(0.05), k.ordinality FROM unnest($1::int[]) WITH ORDINALITY AS k(v)";
    CHECK(seen(ask_batched(database, kSlow, {"1"})) == "1");
    side_by_side(8, [&](int i) {
      const std::string mine = std::to_string(i);
      const bool late = i == 0 || i == 4;  // the first of its chain, and one amid it
      Result result = ask_batched(database, kSlow, {mine.c_str()}, late ? 100 : 2000);
      CHECK(result.ok() == !late);
      if (!late) CHECK(seen(std::move(result)) == mine);
    });
  });
}

TEST_CASE("texts of all kinds pass through a batch unharmed, and so does NULL") {
  with_squares("batch_text", [](Database& database) {
    const std::vector<const char*> texts = {"plain", "",           "NULL",        "null",    "a,b",
                                            "{a}",   "\"quoted\"", "back\\slash", " blank ", "é\n"};
    constexpr std::string_view kEcho =
        "SELECT k.v, k.ordinality FROM unnest($1::text[]) WITH ORDINALITY AS k(v)";
    side_by_side(static_cast<int>(texts.size()) + 1, [&](int i) {
      const bool null = i == static_cast<int>(texts.size());
      const char* const text = null ? nullptr : texts[static_cast<std::size_t>(i)];
      CHECK(seen(ask_batched(database, kEcho, {text})) == (null ? "NULL" : text));
    });
  });
}

TEST_CASE("a batched statement that cannot be dealt out is the module's fault, and told as such") {
  with_squares("batch_unfair", [](Database& database) {
    for (const char* sql :
         {// too few; two for one; for nobody
          "SELECT 1 FROM unnest($1::int[]) WHERE false",
          "SELECT 1, 1 AS ordinality FROM unnest($1::int[]), generate_series(1, 2)",
          "SELECT 1, 0 AS ordinality FROM unnest($1::int[])",
          // by key: for nobody; NULL; two for one; written differently
          "SELECT 1, 2 AS key FROM unnest($1::int[])",
          "SELECT 1, NULL AS key FROM unnest($1::int[])",
          "SELECT 1, k AS key FROM unnest($1::int[]) AS k, generate_series(1, 2)",
          "SELECT 1, k::numeric(3, 1) AS key FROM unnest($1::int[]) AS k"}) {
      CAPTURE(sql);
      CHECK(ask_batched(database, sql, {"1"}).error.slug == "batch-not-dealt");
    }
  });
}

TEST_CASE("a batch is never longer than a segment") {
  with_squares(
      "batch_length",
      [](Database& database) {
        side_by_side(40, [&](int i) {
          CHECK(seen(ask_batched(database,
                                 "SELECT cardinality($1::int[]) <= 8, ordinality "
                                 "FROM unnest($1::int[]) WITH ORDINALITY",
                                 {std::to_string(i).c_str()})) == "t");
        });
      },
      [](postgres::Options& options) { options.segment = 8; });
}
