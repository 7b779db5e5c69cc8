"""The machines: host, processes, GPUs."""

from grafana.panels import Panel, Query, unit
from grafana.promql import WHO, highest, latest, legend, rate
from otel_mldebug.semconv import names

GPU = (names.HW_NAME, names.HW_ID)

HOST = (
    Panel(
        title="Processor by mode, busiest host",
        about="Share of all processors. Much system or iowait: the host, not the model, is the limit.",
        unit=unit(names.SYSTEM_CPU_UTILIZATION),
        top=1,
        queries=[
            Query(
                latest(names.SYSTEM_CPU_UTILIZATION, [names.CPU_MODE], {names.CPU_MODE: "!=idle"}),
                legend(names.CPU_MODE),
            )
        ],
    ),
    Panel(
        title="Memory in use, fullest host",
        about="Share of the host's memory by state. Above 0.95 used the kernel starts to kill processes.",
        unit=unit(names.SYSTEM_MEMORY_UTILIZATION),
        top=1,
        limits=(0.85, 0.95),
        queries=[
            Query(
                latest(
                    names.SYSTEM_MEMORY_UTILIZATION, [names.SYSTEM_MEMORY_STATE], {names.SYSTEM_MEMORY_STATE: "!=free"}
                ),
                legend(names.SYSTEM_MEMORY_STATE),
            )
        ],
    ),
    Panel(
        title="Memory of the processes",
        about="Resident memory by service and rank. A line that only rises is a leak.",
        unit=unit(names.PROCESS_MEMORY_USAGE),
        queries=[Query(latest(names.PROCESS_MEMORY_USAGE, WHO, how="sum"), legend(*WHO))],
    ),
    Panel(
        title="Disk space in use",
        about="Of the file systems that hold the working directory, temporary files and shared memory.",
        unit=unit(names.SYSTEM_FILESYSTEM_UTILIZATION),
        top=1,
        limits=(0.85, 0.95),
        queries=[
            Query(
                latest(names.SYSTEM_FILESYSTEM_UTILIZATION, [names.SYSTEM_FILESYSTEM_MOUNTPOINT]),
                legend(names.SYSTEM_FILESYSTEM_MOUNTPOINT),
            )
        ],
    ),
    Panel(
        title="Disk traffic, busiest host",
        about="Bytes a second read and written. A data set that is read again each epoch does not fit the cache.",
        unit=unit(names.SYSTEM_DISK_IO, rate=True),
        queries=[
            Query(
                highest(rate(names.SYSTEM_DISK_IO, [*WHO, names.DISK_IO_DIRECTION]), [names.DISK_IO_DIRECTION]),
                legend(names.DISK_IO_DIRECTION),
            )
        ],
    ),
    Panel(
        title="Network traffic, busiest host",
        about="Bytes a second received and sent, all interfaces.",
        unit=unit(names.SYSTEM_NETWORK_IO, rate=True),
        queries=[
            Query(
                highest(
                    rate(names.SYSTEM_NETWORK_IO, [*WHO, names.NETWORK_IO_DIRECTION]), [names.NETWORK_IO_DIRECTION]
                ),
                legend(names.NETWORK_IO_DIRECTION),
            )
        ],
    ),
)

GPUS = (
    Panel(
        title="Each GPU busy",
        about="Share of time in which any kernel ran. Sawtooth or low: the GPU waits for data or for other ranks.",
        unit=unit(names.HW_GPU_UTILIZATION),
        width=6,
        top=1,
        queries=[Query(latest(names.HW_GPU_UTILIZATION, GPU), legend(*GPU))],
    ),
    Panel(
        title="GPU memory in use",
        about="All processes on the GPU together. Near the top: the next larger batch or longer sequence fails.",
        unit=unit(names.HW_GPU_MEMORY_USAGE),
        width=6,
        queries=[
            Query(latest(names.HW_GPU_MEMORY_USAGE, GPU), legend(*GPU)),
            Query(latest(names.HW_GPU_MEMORY_LIMIT), "smallest GPU has"),
        ],
    ),
    Panel(
        title="GPU temperature",
        about="From about 85 °C on, most GPUs slow down.",
        unit=unit(names.HW_TEMPERATURE),
        width=6,
        limits=(80, 90),
        queries=[Query(latest(names.HW_TEMPERATURE, GPU), legend(*GPU))],
    ),
    Panel(
        title="GPU power",
        about="Falls together with the step rate when a GPU idles or is throttled.",
        unit=unit(names.HW_POWER),
        width=6,
        queries=[Query(latest(names.HW_POWER, GPU), legend(*GPU))],
    ),
)
