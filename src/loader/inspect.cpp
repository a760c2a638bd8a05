#include "loader/inspect.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "loader/elf.hpp"
#include "loader/imports.hpp"
#include "loader/sql.hpp"

namespace cleave::loader {
namespace {

namespace fs = std::filesystem;

Symbols symbols_of(const ElfFile& elf) {
  Symbols symbols;
  for (ElfFile::Symbol& symbol : elf.dynamic_symbols()) {
    (symbol.defined ? symbols.exported : symbols.imported).push_back(std::move(symbol.name));
  }
  std::sort(symbols.exported.begin(), symbols.exported.end());
  std::sort(symbols.imported.begin(), symbols.imported.end());
  return symbols;
}

void check_exports(const Symbols& symbols, std::vector<Finding>& findings) {
  bool entry = false;
  bool more = false;
  for (const std::string& name : symbols.exported) {
    if (name == "cleave_module_v1") {
      entry = true;
    } else if (!is_instrumentation(name)) {
      more = true;
      findings.push_back(
          {false, "exports " + name +
                      " too; link with the version script that "
                      "cleave_module() uses, so that only cleave_module_v1 is seen"});
    }
  }
  if (!entry) {
    findings.push_back({false, "exports no cleave_module_v1; use CLEAVE_MODULE"});
  } else if (!more) {
    findings.push_back({true, "exports one symbol, cleave_module_v1"});
  }
}

void check_imports(const ElfFile& elf, const Symbols& symbols, std::vector<Finding>& findings) {
  const auto literals = elf.literals();
  const bool coverage = std::any_of(literals.begin(), literals.end(), [](std::string_view text) {
    return text.find("profiling:") != std::string_view::npos;  // libgcov, linked in, opens files
  });
  if (coverage) {
    findings.push_back({true, "is built for coverage; what it imports was not checked"});
    return;
  }
  const std::size_t before = findings.size();
  for (const std::string& name : symbols.imported) {
    if (is_instrumentation(name)) continue;
    if (const char* why = why_refused(name)) {
      findings.push_back({false, "imports " + name + ": " + why});
    }
  }
  if (findings.size() == before) {
    findings.push_back(
        {true, "imports no socket, file, thread, process, libpq or hiredis function"});
  }
}

std::string read_file(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string list(const std::set<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text.empty() ? "none" : text;
}

void check_tables(const Tables& used, const std::set<std::string>& own, const std::string& where,
                  std::vector<Finding>& findings) {
  std::set<std::string> foreign;
  std::set_difference(used.named.begin(), used.named.end(), own.begin(), own.end(),
                      std::inserter(foreign, foreign.end()));
  for (const std::string& name : foreign) {
    findings.push_back({false, where + " names the table " + name +
                                   ", which the module's migrations do not create; another "
                                   "module's data is reached through host.call"});
  }
  if (foreign.empty()) {
    findings.push_back({true, where + " names only its own tables: " + list(used.named)});
  }
}

void check_sql(const ElfFile& elf, const fs::path& folder, std::vector<Finding>& findings) {
  Tables migrations;
  std::error_code ignored;
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    if (entry.path().extension() == ".sql") files.push_back(entry.path());
  }
  for (const fs::path& file : files) read_sql(read_file(file), migrations);
  if (!files.empty()) check_tables(migrations, migrations.made, "SQL of the migrations", findings);

  Tables statements;
  for (const std::string_view literal : elf.literals()) {
    if (looks_like_sql(literal)) read_sql(literal, statements);
  }
  check_tables(statements, migrations.made, "SQL in the module", findings);
}

}  // namespace

Symbols read_symbols(const fs::path& file) {
  return symbols_of(ElfFile(file));
}

std::vector<Finding> inspect(const fs::path& file, const fs::path& sql) {
  std::vector<Finding> findings;
  try {
    const ElfFile elf(file);
    const Symbols symbols = symbols_of(elf);
    check_exports(symbols, findings);
    check_imports(elf, symbols, findings);
    check_sql(elf, sql, findings);
  } catch (const std::runtime_error& error) {
    findings.push_back({false, std::string("is ") + error.what()});
  }
  return findings;
}

}  // namespace cleave::loader
