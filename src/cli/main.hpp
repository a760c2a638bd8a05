// The command line as a whole: parses, runs one command, turns every failure into one clear line
// on standard error and an exit code (exit.hpp).
#pragma once

namespace cleave::cli {
int main(int argc, char** argv) noexcept;
}
