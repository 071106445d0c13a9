# The app on a host with an NVIDIA GPU:
#   docker build -t prototypes . && docker run --gpus all -p 7860:7860 -v votes:/home/user/votes prototypes
# On PyPI torch for Linux brings CUDA's libraries along, so the base is a plain Python.
FROM python:3.12-slim

RUN useradd --create-home user
WORKDIR /home/user/app
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
COPY app.py LICENSE ./
COPY pdm pdm
COPY assets assets
RUN mkdir /home/user/votes && chown user /home/user/votes

USER user
ENV GRADIO_SERVER_NAME=0.0.0.0 GRADIO_SERVER_PORT=7860 PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
EXPOSE 7860
HEALTHCHECK --start-period=120s --interval=30s --timeout=5s \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:7860/health', timeout=4)"]
STOPSIGNAL SIGTERM
CMD ["python", "app.py", "--device", "auto", "--votes", "/home/user/votes/votes.sqlite"]
