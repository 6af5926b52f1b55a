# For bench/percentiles: R's survfit on samples (g,x,observed,entry).
#   Rscript survfit.R read samples.csv samples.rds
#   Rscript survfit.R time samples.rds              milliseconds, and private MB at the
#                                                   peak beyond R and the data
#   Rscript survfit.R curve samples.rds curve.csv   g,time,S,its standard error at events
suppressPackageStartupMessages(library(survival))
args <- commandArgs(TRUE)

if (args[1] == "read") {
	samples <- scan(args[2], list(g = 0L, x = 0, observed = 0L, entry = 0), sep = ",", quiet = TRUE)
	saveRDS(samples, args[3], compress = FALSE)
	quit()
}

samples <- readRDS(args[2])
grouped <- any(samples$g != samples$g[1])
mb <- function(name) {
	line <- grep(paste0("^", name, ":"), readLines("/proc/self/status"), value = TRUE)
	as.numeric(gsub("[^0-9]", "", line)) / 1024
}
invisible(gc())
before <- mb("RssAnon")
cat("5", file = "/proc/self/clear_refs")	# the peak begins anew

# Times are exact as they are, which timefix would spend time to ensure.  A call for each
# group is many times faster than one with strata where groups are thousands.
fit <- function(i = TRUE) with(samples, survfit(Surv(entry[i], x[i], observed[i]) ~ 1, timefix = FALSE))
seconds <- system.time({
	rows <- if (grouped) split(seq_along(samples$g), samples$g)
	curves <- if (grouped) lapply(rows, fit) else list(fit())
})["elapsed"]

if (args[1] == "time") {
	cat(sprintf("%.1f %.0f\n", 1000 * seconds, mb("VmHWM") - mb("RssShmem") - mb("RssFile") - before))
} else {
	out <- file(args[3], "w")
	groups <- if (grouped) names(rows) else samples$g[1]
	for (k in seq_along(curves)) with(curves[[k]], {
		events <- which(n.event > 0)
		# a million at a time: the text takes ten times the memory of the numbers
		for (i in split(events, (seq_along(events) - 1) %/% 1e6))
			writeLines(sprintf("%s,%.17g,%.17g,%.17g", groups[k], time[i], surv[i], surv[i] * std.err[i]), out)
	})
	close(out)
}
