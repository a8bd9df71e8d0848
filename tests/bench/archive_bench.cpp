#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <string>

#include "mth5/time.hpp"
#include "support/station_file.hpp"

// archive_bench DIRECTORY DAYS RATE: an archive for summary.py, a file a day, as a recorder would leave it, in seconds instead of
// days.

int main(int argc, char** argv) {
  if (argc != 4) {
    std::cerr << "archive_bench: error: usage: archive_bench DIRECTORY DAYS RATE\n";
    return 2;
  }
  const std::filesystem::path directory{argv[1]};
  const int days = std::atoi(argv[2]);
  const double rate = std::atof(argv[3]);
  for (int day = 0; day < days; ++day) {
    const std::chrono::days after{day};
    const auto start = mth5::to_iso(support::AcquisitionFile::start() + after);
    support::StationFile file{directory / ("MT07_" + start.substr(0, 10) + ".h5"), rate, {}, after};
    file.add_run("r" + std::to_string(day), {}, static_cast<std::int64_t>(86'400 * rate));
    file.close(std::chrono::days{1});
  }
}
