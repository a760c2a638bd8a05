// What can be read off a module file without running it.
#include "loader/inspect.hpp"

#include <doctest/doctest.h>

#include <random>

#include "loader/imports.hpp"
#include "loader/sql.hpp"
#include "seam/seam.hpp"

using namespace cleave;
using loader::Finding;
using test::seam;

namespace {

std::vector<std::string> against(const std::filesystem::path& file,
                                 const std::filesystem::path& sql = "/none") {
  std::vector<std::string> texts;
  for (const Finding& finding : loader::inspect(file, sql)) {
    if (!finding.ok) texts.push_back(finding.what);
  }
  return texts;
}

bool has(const std::vector<std::string>& texts, std::string_view start) {
  return std::any_of(texts.begin(), texts.end(),
                     [&](const std::string& text) { return text.starts_with(start); });
}

std::string join(const std::set<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += name + " ";
  return text;
}
std::string named(std::string_view sql) {
  loader::Tables tables;
  loader::read_sql(sql, tables);
  return join(tables.named);
}
std::string made(std::string_view sql) {
  loader::Tables tables;
  loader::read_sql(sql, tables);
  return join(tables.made);
}

bool coverage(const std::filesystem::path& file) {
  const auto findings = loader::inspect(file, "/none");
  return std::any_of(findings.begin(), findings.end(), [](const Finding& finding) {
    return finding.what.starts_with("is built for coverage");
  });
}

}  // namespace

TEST_CASE("a sound module has nothing against it") {
  CHECK(against(seam("sound/sound.so")).empty());
  const auto symbols = loader::read_symbols(seam("good/c_module.so"));
  REQUIRE_FALSE(symbols.exported.empty());
  CHECK(std::count(symbols.exported.begin(), symbols.exported.end(), "cleave_module_v1") == 1);
}

TEST_CASE("a second exported symbol is named, and refused before the library is opened") {
  const auto texts = against(seam("second_symbol/bad.so"));
  REQUIRE(texts.size() == 1);
  CHECK(texts[0].starts_with("exports helper too; link with the version script"));
  CHECK(has(against(seam("missing_symbol/bad.so")), "exports no cleave_module_v1"));
  CHECK(test::refusals_of(seam("second_symbol")) ==
        std::vector<std::string>{
            "bad.so: exports: expected only cleave_module_v1, found helper too; link it with the "
            "version script that cleave_module() uses"});
}

TEST_CASE("imports that reach past the host are named with what to use instead") {
  if (coverage(seam("forbidden/bad.so"))) return;
  const auto texts = against(seam("forbidden/bad.so"));
  CHECK(
      has(texts, "imports socket: a module opens no socket; it reaches others through host.call"));
  CHECK(has(texts, "imports fopen: a module opens no file"));
  CHECK(has(texts, "imports system: a module starts and ends no process"));
  CHECK(has(texts, "imports fork: a module starts and ends no process"));
  CHECK(texts.size() == 4);
}

TEST_CASE("the list of refused imports knows families, and lets through what any code needs") {
  for (const char* refused :
       {"socket", "accept4", "epoll_wait", "PQexec", "PQconnectdb", "redisConnect", "execve",
        "posix_spawnp", "pthread_create", "dlopen", "getenv", "sigaction", "_exit", "mkstemp64",
        "_ZNSt6thread15_M_start_threadESt10unique_ptrINS_6_StateESt14default_deleteIS1_EEPFvvE",
        "_ZNSt14basic_ofstreamIcSt11char_traitsIcEEC1Ev", "_ZSt4cout", "nanosleep"}) {
    CAPTURE(refused);
    CHECK(loader::why_refused(refused) != nullptr);
  }
  for (const char* allowed :
       {"malloc", "free", "memcpy", "strlen", "snprintf", "abort", "__assert_fail", "_Znwm",
        "__cxa_throw", "_ZSt20__throw_length_errorPKc", "clock_gettime", "pow", "sendfile_not",
        "__stack_chk_fail", "pthread_mutex_lock", "_ZNSt6chrono3_V212system_clock3nowEv"}) {
    CAPTURE(allowed);
    CHECK(loader::why_refused(allowed) == nullptr);
  }
  CHECK(loader::is_instrumentation("__asan_init"));
  CHECK_FALSE(loader::is_instrumentation("socket"));
}

TEST_CASE("SQL in a module may name only tables of its own migrations") {
  const test::TempDir sql;
  std::ofstream(sql / "001_mine.sql") << "CREATE TABLE mine (id bigint PRIMARY KEY);\n";
  const auto texts = against(seam("foreign_sql/bad.so"), sql.path());
  REQUIRE(texts.size() == 1);
  CHECK(
      texts[0].starts_with("SQL in the module names the table theirs, which the module's "
                           "migrations do not create"));
  std::ofstream(sql / "002_more.sql") << "ALTER TABLE mine ADD o bigint REFERENCES others (id);\n";
  CHECK(has(against(seam("foreign_sql/bad.so"), sql.path()),
            "SQL of the migrations names the table others"));
}

TEST_CASE("tables are found wherever a statement can name one") {
  CHECK(named("SELECT a FROM x, public.y AS z, LATERAL (SELECT 1 FROM w) q JOIN v USING (id)") ==
        "v w x y ");
  CHECK(named("INSERT INTO t (a, b) VALUES ($1, $2) ON CONFLICT (a) DO UPDATE SET b = 1") == "t ");
  CHECK(named("UPDATE t SET a = 1 FROM u WHERE t.id = u.id RETURNING a") == "t u ");
  CHECK(named("DELETE FROM ONLY t USING u WHERE true") == "t u ");
  CHECK(named("WITH a AS (SELECT 1 FROM t), b(x) AS MATERIALIZED (SELECT 2 FROM a) "
              "SELECT * FROM b FOR UPDATE") == "t ");
  CHECK(named("ALTER TABLE IF EXISTS t ADD u bigint REFERENCES other.v (id) ON UPDATE CASCADE") ==
        "other.v t ");
  CHECK(named("CREATE UNIQUE INDEX i ON t USING btree (lower(a))") == "t ");
  CHECK(named("TRUNCATE a, b; DROP TABLE c; LOCK TABLE d IN EXCLUSIVE MODE") == "a b c d ");
  CHECK(named("CREATE FUNCTION f() RETURNS trigger AS $body$ BEGIN INSERT INTO audit VALUES (1); "
              "END $body$ LANGUAGE plpgsql") == "audit ");
}

TEST_CASE("what only looks like a table is none") {
  CHECK(named("SELECT extract(epoch FROM created_at), substring(a FROM 2) FROM t") == "t ");
  CHECK(named("SELECT 1 FROM unnest($1::text[]) AS u(x) WHERE a IS DISTINCT FROM b") == "");
  CHECK(named("SELECT 1 FROM pg_catalog.pg_class, pg_roles, information_schema.tables") == "");
  CHECK(named("SELECT ' FROM a' /* FROM b */ -- FROM c\n FROM t") == "t ");
  CHECK(named("GRANT SELECT, UPDATE ON t TO r; REVOKE ALL ON t FROM PUBLIC") == "");
  CHECK(named("CREATE TRIGGER x BEFORE INSERT OR UPDATE ON t EXECUTE FUNCTION f()") == "");
  CHECK(named("FROM") == "");
  CHECK(named("WITH") == "");
  CHECK(named("'unfinished \" $$ /*") == "");
}

TEST_CASE("migrations make tables by creating and by renaming them") {
  CHECK(made("CREATE TABLE IF NOT EXISTS a (x int); CREATE UNLOGGED TABLE public.b (y int)") ==
        "a b ");
  CHECK(made("CREATE VIEW c AS SELECT 1; ALTER TABLE a RENAME TO \"D\"") == "D c ");
}

TEST_CASE("sentences are not taken for SQL, pieces of statements are") {
  for (const char* sql : {"SELECT 1", "select a from b", " WHERE id = 1 ORDER BY id FROM x",
                          "update t set a = 1", "INSERT INTO t VALUES (1)"}) {
    CAPTURE(sql);
    CHECK(loader::looks_like_sql(sql));
  }
  for (const char* text : {"Update the module.", "No such user.", "with love from the host",
                           "select one", "read from the cache", "", "FROM", "X-FROM: y"}) {
    const bool expected = std::string_view(text) == "select one";
    CAPTURE(text);
    CHECK(loader::looks_like_sql(text) == expected);
  }
}

TEST_CASE("a file that is cut or made of noise is an error in words, never a crash") {
  std::ifstream in(seam("good/c_module.so"), std::ios::binary);
  const std::string sound{std::istreambuf_iterator<char>(in), {}};
  const test::TempDir dir;
  const auto survives = [&](const std::string& bytes) {
    std::ofstream(dir / "x.so", std::ios::binary | std::ios::trunc) << bytes;
    CHECK_FALSE(loader::inspect(dir / "x.so", "/none").empty());
  };
  std::mt19937 random(7);  // the same files each time
  for (int i = 0; i < 60; ++i) survives(sound.substr(0, random() % sound.size()));
  for (int i = 0; i < 300; ++i) {
    std::string spoiled = sound;
    // Where the tables are: the header, the segment table, and the section table at the end.
    const std::size_t area =
        i % 2 == 0 ? 0 : sound.size() - std::min<std::size_t>(3000, sound.size());
    for (int flips = 0; flips < 8; ++flips) {
      spoiled[area + random() % std::min<std::size_t>(i % 2 == 0 ? 700 : 3000, sound.size())] =
          static_cast<char>(random());
    }
    survives(spoiled);
  }
  for (int i = 0; i < 50; ++i) {
    std::string noise = "\177ELF";
    while (noise.size() < 2000) noise += static_cast<char>(random());
    survives(noise);
  }
}
